//! What holds whatever is spent and whenever.

use proptest::prelude::*;

use super::*;

proptest! {
    /// Whatever a key asks for and when, what it is granted in one period adds up to its limit at most, and
    /// nothing that would fit is refused.
    #[test]
    fn what_is_spent_in_a_period_never_exceeds_the_limit(
        limit in 1u64..10_000,
        period in 3_600u64..200_000,
        steps in proptest::collection::vec((0u64..100_000, 0u64..6_000), 1..40),
    ) {
        let mut m = start();
        let expires_at = NOW + rule::KEY_SECONDS_MAX;
        authorise(&mut m, Grant {
            limitFen: limit,
            periodSeconds: period,
            expiresAt: expires_at,
            ..phone()
        });
        let mut sums = std::collections::BTreeMap::<u64, u64>::new();
        for (wait, amount) in steps {
            m.now += wait;
            let now = m.now;
            let counted = useKeyCall { key: PHONE, amountFen: U256::from(amount) };
            let answer = call(&mut m, ME, &counted);
            let sum = sums.entry((now - NOW) / period).or_default();
            let fits = *sum + amount <= limit;
            prop_assert_eq!(answer.is_ok(), fits, "{} of {} at {}", amount, limit, now);
            if fits {
                *sum += amount;
            }
            let shown = done(&mut m, STRANGER, &keyCall { ofAccount: ME, ofKey: PHONE });
            prop_assert_eq!(shown.spentFen, *sum);
        }
    }

    /// The pure arithmetic of periods: a second belongs to exactly one, and the next begins where it says.
    #[test]
    fn periods_follow_each_other(since in 0u64..1 << 40, period in 1u64..1 << 30, later in 0u64..1 << 40) {
        let now = since + later;
        let (number, next) = rule::window(since, period, now);
        prop_assert!(next > now && next - now <= period);
        prop_assert_eq!(rule::window(since, period, next).0, number + 1);
        prop_assert_eq!(rule::window(since, period, next - 1).0, number);
    }
}
