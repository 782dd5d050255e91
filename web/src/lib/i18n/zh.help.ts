import type { Flaw } from '../help/link';
import type { Widened } from './zh.books';

/** Why a prepared form is not shown. */
export type Doubt = Flaw | 'elsewhere' | 'over' | 'other' | 'notHelper' | 'forged';
type Words = { title: string; text: string };

/** The words of helpers: who fills a form for somebody, and who signs it. */
export const zhHelp = {
  me: {
    text: '您替他填好，他本人扫码、核对、签字',
    for: (who: string) => `帮 ${who} 办事`,
  },
  desk: {
    title: '帮人办事',
    who: (who: string) => `您在帮 ${who} 准备`,
    text: '填好以后会做成一个码。请本人用自己的手机扫，看清楚，再用自己的指纹签。您不能替他签，没签之前什么都没有发生。',
    not: '这个账户没有请您当帮手',
    notText: '请他在自己手机上打开“我的设备”，点“改联系人和帮手”，把您加上。',
    self: '这是您自己的账户',
    selfText: '自己的事直接办，不用准备。',
    votes: '投票',
    voteOf: (title: string) => `先填：${title}`,
    voted: '他已经投过，可以改投',
    noVotes: '现在没有等他投的票。',
    pay: '转账',
    payText: '从他的余额转给别人',
    object: '对公示的名册提异议',
    objectNone: '现在没有在公示的名册。',
    open: '公开记名的票可以先填。不记名的票不能替人准备：填的人会知道投了什么。换钥匙、请联系人，要本人自己来。',
  },
  note: {
    ask: '他家怎么投？',
    preparing: (who: string) => `正在帮 ${who} 填。签字要他本人来。`,
    by: (who: string) => `帮手 ${who} 替您填的。请看清楚，哪里不对就改。`,
  },
  make: {
    open: '填好了，做成码',
    title: '做成码，给本人扫',
    text: '码里写着您填的内容，也写着是您填的。只有他本人扫了、签了才算数，七天内有效。',
    act: '做成码',
    busy: '正在做',
    done: '准备好了，请本人扫码确认',
    doneText: (until: string) => `请他用自己的手机扫，或者把网址发给他。${until} 前有效。`,
    qr: '给本人扫的码',
    long: '字多，方码放不下。请复制网址发给他。',
  },
  open: {
    title: '替您准备的',
    unsigned: '还没有签',
    by: '谁替您填的',
    helper: (who: string) => `您的帮手，${who}`,
    act: { ballot: '投票', pay: '转账', object: '对名册提异议' },
    motion: '哪件事',
    choice: '投什么',
    to: '转给谁',
    stranger: (code: string) => `没有绑定房屋的账户 ${code}`,
    amount: '多少钱',
    why: '为什么',
    unit: '哪一户',
    reason: '哪里不对',
    until: (x: string) => `${x} 前有效`,
    points: ['看一看，是不是您的意思', '哪里不对都可以改', '您签了才算数，不签就什么都没有发生'],
    go: '看清楚了，去办',
    no: '不办了',
    signInText: '这是帮手替一位业主准备的。登录以后，才知道是不是给您的。',
    scanAgain: '登录以后，请把码再扫一次。',
    voice: '读给我听',
    stop: '停下',
    spoken: (act: string, lines: string) => `帮手替您准备了：${act}。${lines}。看清楚，您签了才算数。`,
    nothing: '里面填了什么，没有拿来用。',
    doubt: {
      cut: { title: '这个码读不全', text: '网址少了一段，或者改动过。请让帮手重新发一次，或者当面再扫。' },
      newer: { title: '这个码是新版本做的', text: '请把这一页刷新一下，再扫一次。' },
      unknown: { title: '这件事不能替人准备', text: '换钥匙、不记名的票，还有这里不认得的事，都要本人自己办。' },
      odd: { title: '码里的内容不对', text: '里面有填错的地方。请让帮手重新做一个。' },
      elsewhere: { title: '这是别的小区的', text: '码里写的不是这本账。请用那个小区的网址打开。' },
      over: { title: '这个码过期了', text: '做好以后七天内有效。要办的话，请帮手重新做一个。' },
      other: { title: '这不是给您准备的', text: '它是替另一位业主准备的。请把网址交给本人，不要替他办。' },
      notHelper: { title: '填的人不是您的帮手', text: '您没有请这个账户当帮手。不认得的人发来的，请不要理；要请帮手，到“我的设备”里改。' },
      forged: { title: '填的人对不上', text: '码里写的是您帮手的账户，可不是他的钥匙签的，也可能他的账户冻结了。请打电话问问他本人。' },
    } as Record<Doubt, Words>,
  },
};

export type HelpDict = Widened<typeof zhHelp>;
