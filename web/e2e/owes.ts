import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

/** What every screen owes: nothing serious from axe, no sideways scroll, no small type, no small target. */
export async function owes(page: Page, elder: boolean): Promise<string[]> {
  // The whole page at once: a bar that sticks to the foot would half cover whatever happens to lie under it.
  const size = page.viewportSize() ?? { width: 390, height: 844 };
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: size.width, height: Math.max(size.height, height) });
  // A sheet that still rises is half transparent: its contrast is judged when it stands.
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((a) => a.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY)
        .map((a) => a.finished),
    ),
  );
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  const axe = found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`);
  const own = await page.evaluate(
    (least) => {
      const out: string[] = [];
      if (document.documentElement.scrollWidth > innerWidth)
        out.push(`scrolls sideways by ${document.documentElement.scrollWidth - innerWidth}`);
      for (const el of document.querySelectorAll('body *')) {
        const text = [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent?.trim());
        if (!text || el.closest('svg, .vh') || !(el as HTMLElement).offsetParent) continue;
        const size = Number.parseFloat(getComputedStyle(el).fontSize);
        if (size < least) out.push(`${size}px: ${el.textContent?.trim().slice(0, 30)}`);
      }
      for (const el of document.querySelectorAll<HTMLElement>('.btn, .ib, nav a')) {
        if (el.offsetParent && el.getBoundingClientRect().height < 42) out.push(`low target: ${el.textContent?.trim().slice(0, 30)}`);
      }
      return out;
    },
    elder ? 16 : 12,
  );
  await page.setViewportSize(size);
  return [...axe, ...own];
}
