import { defineConfig } from '@playwright/test';

/** Runs against a node of its own with the demo estate; see `node.ts`. The browser is the system's. */
export default defineConfig({
  testDir: '.',
  outputDir: './.out/results',
  globalSetup: './node.ts',
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    actionTimeout: 15_000,
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'phone', testIgnore: /console|story|consortium/, use: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 } },
    { name: 'console', testMatch: /console|looks|books|passkey/, dependencies: ['phone'], use: { viewport: { width: 1280, height: 800 } } },
    // Last, because it moves the clock of the node.
    { name: 'story', testMatch: /story/, dependencies: ['console'], use: { viewport: { width: 1280, height: 800 } } },
    // Its own five processes beside the node of the others.
    { name: 'consortium', testMatch: /consortium\.spec/, dependencies: ['story'], use: { viewport: { width: 1280, height: 800 } } },
  ],
});
