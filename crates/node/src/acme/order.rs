//! One order: the names are proven on the node's own door, then the certificate is fetched.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, Identifier,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use tulou_rpc::Renewals;

use super::AcmeError;

/// How long an authority may look for proofs, and take to sign.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));

/// What an order brings.
pub(super) struct Fetched {
    /// The certificate and those that lead to its authority, in PEM.
    pub(super) chain: String,
    /// Its private key, in PEM.
    pub(super) key: String,
}

/// Orders a certificate for `domains`. The proofs are left to the caller to take down.
///
/// # Errors
/// - [`AcmeError::Protocol`]: the authority cannot be reached or says no.
/// - [`AcmeError::NoChallenge`]: it wants a proof that a node does not give.
/// - [`AcmeError::Unproven`]: it did not find the proof.
pub(super) async fn fetch(
    account: &Account,
    domains: &[String],
    replaces: Option<CertificateIdentifier<'_>>,
    renewals: &Renewals,
) -> Result<Fetched, AcmeError> {
    let names: Vec<Identifier> = domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = begin(account, &names, replaces).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let mut challenge = authorization
            .challenge(ChallengeType::TlsAlpn01)
            .ok_or_else(|| AcmeError::NoChallenge(name.clone()))?;
        prove(renewals, &name, challenge.key_authorization().digest().as_ref())?;
        challenge.set_ready().await?;
    }
    match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) | Err(Error::Api(_)) => return Err(unproven(&mut order).await),
        Err(error) => return Err(error.into()),
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok(Fetched { chain, key })
}

/// Says which certificate is replaced, where the authority wants to know it. One that does not take it is
/// asked again without: it is a courtesy.
async fn begin(
    account: &Account,
    names: &[Identifier],
    replaces: Option<CertificateIdentifier<'_>>,
) -> Result<Order, Error> {
    if let Some(replaces) = replaces {
        match account.new_order(&NewOrder::new(names).replaces(replaces)).await {
            Err(Error::Api(problem)) => {
                tracing::info!(%problem, "the authority does not take the order as a renewal");
            }
            other => return other,
        }
    }
    account.new_order(&NewOrder::new(names)).await
}

/// The certificate of RFC 8737, section 3: for the name alone, with the digest in it.
fn prove(renewals: &Renewals, name: &str, digest: &[u8]) -> Result<(), AcmeError> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    renewals
        .prove(name, certificate.der().clone(), key.into())
        .map_err(|error| AcmeError::Useless(error.to_string()))
}

/// Why an order did not become ready: what the authority says of the first name.
async fn unproven(order: &mut Order) -> AcmeError {
    let of_order = order.state().error.as_ref().map(ToString::to_string);
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if let Err(error) = authorization.refresh().await {
            return error.into();
        }
        let name = authorization.identifier().to_string();
        let reasons = authorization.challenges.iter().filter_map(|found| found.error.as_ref());
        if let Some(reason) = reasons.map(ToString::to_string).next() {
            return AcmeError::Unproven { name, reason };
        }
    }
    AcmeError::Useless(of_order.unwrap_or_else(|| "it refused without a reason".into()))
}
