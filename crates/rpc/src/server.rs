//! One listener, and which door a request takes.

use std::{collections::BTreeSet, convert::Infallible, fmt, io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use jsonrpsee::{
    core::RegisterMethodError,
    core::middleware::RpcServiceBuilder,
    server::{
        BatchRequestConfig, IdProvider, PingConfig, ServerConfig, StopHandle, TowerServiceBuilder,
        stop_channel,
    },
    types::SubscriptionId,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::{
    Service,
    layer::util::{Identity, Stack},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    Limits, RpcContext,
    eth::{self, Methods, receipts::Waiters},
    health,
    limits::{
        Bodies, Gate, MeterLayer,
        guard::{self, Peer},
    },
    listener::{Bounded, Patience, Places},
    metrics::{self, Meters},
    node::{Node, Shared},
    rest::{self, Api},
    session,
    tls::{Tls, TlsError},
    tulou, web,
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There is no ledger to serve.
    #[error("there is no ledger to serve")]
    NoLedger,
    /// A ledger's name cannot stand in a path, or two ledgers have it.
    #[error("ledger name {0:?}: one name for each ledger, of small letters, digits and hyphens")]
    Name(String),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Two methods have one name.
    #[error(transparent)]
    Methods(#[from] RegisterMethodError),
}

/// A running server. Dropping the handle leaves it running; [`ServerHandle::stop`] ends it.
pub struct ServerHandle {
    /// Where it listens; the port is the real one where 0 was asked for.
    pub addr: SocketAddr,
    calls: jsonrpsee::server::ServerHandle,
    gate: Arc<Gate>,
    listener: JoinHandle<()>,
    followers: Vec<JoinHandle<()>>,
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl ServerHandle {
    /// Replaces the limits for callers and accounts. Everybody starts with full units; connections
    /// that are open stay open, but requests and calls over them are judged by the new lists.
    pub fn set_limits(&self, limits: Limits) {
        self.gate.reload(limits);
    }

    /// Ends the server: no new connections, open ones are closed.
    pub fn stop(self) {
        // An error means that nobody is connected.
        let _ = self.calls.stop();
        self.listener.abort();
        for follower in self.followers {
            follower.abort();
        }
    }
}

/// Which door a request takes.
#[derive(Clone)]
struct Doors {
    calls: TowerServiceBuilder<Stack<MeterLayer, Identity>, Identity>,
    methods: Methods,
    stop: StopHandle,
}

/// Subscription ids as clients know them: `0x` and 16 random bytes.
#[derive(Clone, Copy, Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        alloy_primitives::FixedBytes::<16>::random().to_string().into()
    }
}

/// Serves JSON-RPC, REST and the web app of one ledger on `addr` until the handle stops it.
///
/// # Errors
/// As [`serve_all`].
pub async fn serve(addr: SocketAddr, context: RpcContext) -> Result<ServerHandle, ServeError> {
    serve_all(addr, vec![context]).await
}

/// Serves several ledgers: the first one at `/`, each that has a name at `/l/<name>/` too. Sockets and
/// limits for callers are those of the first one's configuration, for all ledgers together.
///
/// # Errors
/// - [`ServeError::NoLedger`]: the list is empty.
/// - [`ServeError::Name`]: a name that cannot stand in a path, or is there twice.
/// - [`ServeError::Listen`]: the address cannot be had.
/// - [`ServeError::Tls`]: the certificate of the first one's configuration cannot be used.
/// - [`ServeError::Methods`]: a method is registered twice.
pub async fn serve_all(
    addr: SocketAddr,
    contexts: Vec<RpcContext>,
) -> Result<ServerHandle, ServeError> {
    let config = contexts.first().ok_or(ServeError::NoLedger)?.config.clone();
    check_names(&contexts)?;
    let listener =
        TcpListener::bind(addr).await.map_err(|source| ServeError::Listen { addr, source })?;
    let addr = listener.local_addr().map_err(|source| ServeError::Listen { addr, source })?;
    let tls = config.tls.clone().map(Tls::open).transpose()?;
    let patience = Patience::from(&config);
    let gate = Arc::new(Gate::new(config.limits));
    let shared = Shared {
        gate: gate.clone(),
        meters: Meters::new(contexts.iter().map(|context| context.name.as_str())),
        places: Places::new(config.sockets),
        bodies: Bodies::new(config.bodies_bytes),
        tls: tls.clone(),
    };
    let listener = Bounded::new(listener, shared.clone(), patience, tls.clone());
    let nodes: Arc<[Node]> =
        contexts.into_iter().map(|context| Node::new(context, shared.clone())).collect();
    let (stop, calls) = stop_channel();
    let app = everything(&nodes, &stop)?.into_make_service_with_connect_info::<Peer>();
    let waiters = nodes.iter().map(|node| tokio::spawn(Waiters::follow(node.clone())));
    let followers =
        waiters.chain(tls.map(|tls| tokio::spawn(tls.follow(config.tls_look)))).collect();
    let listener = tokio::spawn(async move {
        let stopped = async move { stop.shutdown().await };
        let served = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
        if let Err(error) = served {
            tracing::error!(%error, "the server broke off");
        }
    });
    Ok(ServerHandle { addr, calls, gate, listener, followers })
}

fn check_names(contexts: &[RpcContext]) -> Result<(), ServeError> {
    let mut seen = BTreeSet::new();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    for RpcContext { name, .. } in contexts {
        if !name.chars().all(fits) || !seen.insert(name) {
            return Err(ServeError::Name(name.clone()));
        }
    }
    Ok(())
}

/// All ledgers' doors, and the figures of all of them at one.
fn everything(nodes: &Arc<[Node]>, stop: &StopHandle) -> Result<Router, ServeError> {
    let mut app = Router::new();
    for (place, node) in nodes.iter().enumerate() {
        let doors = Doors {
            calls: jsonrpsee::server::Server::builder()
                .set_config(server_config(node))
                .to_service_builder()
                .set_rpc_middleware(RpcServiceBuilder::new().layer(MeterLayer::new(node.clone()))),
            methods: methods(node)?,
            stop: stop.clone(),
        };
        let ledger = router(node, doors);
        if !node.name.is_empty() {
            app = app.nest(&format!("/l/{}", node.name), ledger.clone());
        }
        if place == 0 {
            let figures = Router::new()
                .route("/metrics", get(metrics::answer).with_state(nodes.clone()))
                .layer(from_fn_with_state(node.clone(), guard::guard));
            app = app.merge(figures).merge(ledger);
        }
    }
    Ok(app)
}

fn methods(node: &Node) -> Result<Methods, RegisterMethodError> {
    let mut methods = Methods::new(node.clone());
    eth::register(&mut methods)?;
    tulou::register(&mut methods, node.dev.is_some())?;
    Ok(methods)
}

fn server_config(node: &Node) -> ServerConfig {
    let limits = &node.config;
    ServerConfig::builder()
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.response_bytes)
        .max_connections(limits.connections)
        .max_subscriptions_per_connection(limits.subscriptions)
        .set_message_buffer_capacity(limits.subscription_buffer)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch))
        .enable_ws_ping(PingConfig::default())
        .set_id_provider(HexIds)
        .build()
}

fn router(node: &Node, doors: Doors) -> Router {
    let api = Arc::new(Api::new(node.clone()));
    Router::new()
        .route("/", any(root))
        .route("/rpc", any(call))
        .route("/ws", any(call))
        .with_state(doors)
        .merge(rest::router(api))
        .merge(session::router(node.clone()))
        .route("/healthz", get(health::healthz).with_state(node.clone()))
        .route("/readyz", get(health::readyz).with_state(node.clone()))
        .fallback(web::file)
        .layer(from_fn_with_state(node.clone(), guard::guard))
        .layer(map_response(security_headers))
        .layer(cors(node))
}

/// JSON-RPC for whoever posts or upgrades, the web app for everybody else.
async fn root(State(doors): State<Doors>, request: Request) -> Response {
    let upgrades = request.headers().contains_key(header::SEC_WEBSOCKET_KEY);
    match *request.method() {
        Method::GET | Method::HEAD if !upgrades => web::file(request).await,
        _ => call(State(doors), request).await,
    }
}

async fn call(State(doors): State<Doors>, request: Request) -> Response {
    let mut service = doors.calls.build(doors.methods, doors.stop);
    match service.call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            tracing::warn!(%error, "a request could not be served");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn cors(node: &Node) -> CorsLayer {
    let origins = &node.config.origins;
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, header::ACCEPT, header::AUTHORIZATION])
        .expose_headers([rest::HEIGHT_HEADER, header::RETRY_AFTER]);
    if origins.iter().any(|origin| origin == "*") {
        return layer.allow_origin(AllowOrigin::any());
    }
    let listed = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    layer.allow_origin(AllowOrigin::list(listed))
}

/// Nothing but this node's own files may run in the app, and no other page may frame it.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    worker-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'none'";
const PERMISSIONS: &str = "camera=(self), publickey-credentials-get=(self), \
    publickey-credentials-create=(self)";

async fn security_headers(mut response: Response) -> Result<Response, Infallible> {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CSP);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    Ok(response)
}
