//! Choices out of bytes: the same bytes make the same choices, under a fuzzer and under a test.

/// A reader of choices. Where the bytes are used up every choice is the first one.
#[derive(Debug)]
pub(crate) struct Source<'b> {
    bytes: &'b [u8],
    /// Whether a number was made that is so large that sums of it may not fit 64 bits.
    pub(crate) extreme: bool,
}

impl<'b> Source<'b> {
    /// Reads from these bytes.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, extreme: false }
    }

    /// Whether the bytes are used up.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// A number below `count`, which is not 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let byte = usize::from(self.byte());
        if count <= 256 {
            return byte % count;
        }
        (byte << 8 | usize::from(self.byte())) % count
    }

    /// Whether one of so many chances came up.
    pub(crate) fn one_in(&mut self, chances: u8) -> bool {
        self.byte() % chances == chances - 1
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Eight bytes as they are.
    pub(crate) fn word(&mut self) -> u64 {
        u64::from_be_bytes(core::array::from_fn(|_| self.byte()))
    }

    /// So many bytes as they are, fewer where there are fewer.
    pub(crate) fn raw(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.bytes.split_at(count.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// The number of a thing of which there are `count`: as a rule one that exists, rather a young one,
    /// at times one beside them.
    pub(crate) fn id(&mut self, count: u64) -> u64 {
        if self.one_in(24) {
            return self.pick(&[0, count + 1, u64::MAX]);
        }
        let back = u64::from(self.byte()).pow(2) / 256;
        count.saturating_sub(back % count.max(1)).max(1)
    }

    /// A sum in fen: at, just under or just over one of the limits, a part of one, or a small one. At
    /// times nothing; rarely more than 64 bits can add up.
    pub(crate) fn amount(&mut self, limits: &[u64]) -> u64 {
        let limit = if limits.is_empty() { 100_000 } else { self.pick(limits) };
        match self.byte() {
            0..=59 => limit,
            60..=79 => limit.saturating_sub(1),
            80..=99 => limit.saturating_add(1),
            100..=159 => limit / 2 + 1,
            160..=189 => limit / 10 + 1,
            190..=249 => 1 + u64::from(self.byte()) * 100,
            250..=252 => 0,
            253..=254 => limit.saturating_mul(3),
            255 => {
                self.extreme = true;
                u64::MAX - u64::from(self.byte())
            }
        }
    }

    /// A time: at, just before or just after one of these, as a rule.
    pub(crate) fn time(&mut self, around: &[u64]) -> u64 {
        let at = self.pick(around);
        match self.byte() {
            0..=127 => at,
            128..=159 => at.saturating_sub(1),
            160..=191 => at + 1,
            192..=223 => at + u64::from(self.byte()) * 3_600,
            224..=250 => at.saturating_sub(u64::from(self.byte()) * 3_600),
            251..=253 => 0,
            254 => 4_102_444_800,
            255 => {
                self.extreme = true;
                u64::MAX - u64::from(self.byte())
            }
        }
    }
}
