//! The door's certificate.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::tls::Tls;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// Adds its figures to a registry with the prefix `tulou`.
pub(super) fn register(tls: &Tls, to: &mut Registry) {
    // 0, long over, where there is none yet: who is alarmed by the end is alarmed by that too.
    let end = ConstGauge::new(tls.ends().unwrap_or_default());
    let help = "End of the certificate in use, seconds since 1970; 0 where there is none yet";
    to.register_with_unit("tls_certificate_end_timestamp", help, Unit::Seconds, end);
    let Some((fetched, failed)) = tls.fetched() else { return };
    let attempts = Family::<OutcomeLabel, Counter>::default();
    for (outcome, count) in [("ok", fetched), ("failed", failed)] {
        attempts.get_or_create(&OutcomeLabel { outcome }).inc_by(count);
    }
    to.register("tls_certificate_fetches", "Certificates asked for by this node", attempts);
}
