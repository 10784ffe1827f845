//! The routes: the paths of the API, and the router of the pages.
//!
//! A cold start answers one request, and the creation of all routes would take a sixth of its instructions. So the
//! first request for a path of the API creates only this route, and the first request for a page creates the router of
//! the pages.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use accounts::config::ConfigError;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodRouter;
use axum::routing::future::RouteFuture;
use tower::Service;

use crate::methods::Methods;
use crate::pages::{Page, PageSettings};
use crate::{App, dialects, not_found, own_routes, pages, prefix};

/// Creates the methods of a route.
pub(crate) type MakeMethods = fn() -> Methods;
/// Adds the common layers of all routes of a kind to the methods of a route.
pub(crate) type Finish = fn(MethodRouter<App>) -> MethodRouter<App>;

/// A path of the API without parameters.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    /// The path, without a slash at its end. The path of a request may have one.
    pub(crate) path: &'static str,
    methods: MakeMethods,
    finish: Finish,
}

impl Route {
    pub(crate) fn new((path, methods): (&'static str, MakeMethods), finish: Finish) -> Self {
        Self { path: path.trim_end_matches('/'), methods, finish }
    }
}

/// All routes, without their state ([`App`]).
#[derive(Clone)]
pub(crate) struct RouteTable {
    api: Vec<Route>,
    pages: Vec<Page>,
    /// The path of `BASE_URL`.
    prefix: String,
}

impl RouteTable {
    /// # Errors
    /// If a setting gives a page the path of another route.
    pub(crate) fn new(settings: &PageSettings) -> Result<Self, ConfigError> {
        let own = own_routes().into_iter();
        let api = own.chain(dialects::hasura::routes()).chain(dialects::rest::routes());
        let api: Vec<Route> = api.collect();
        let pages = if settings.are_on { pages::routes(settings) } else { Vec::new() };
        let prefix = settings.base_path.clone();
        pages::must_be_apart(&pages, api.iter().map(|route| route.path), &prefix)?;
        Ok(Self { api, pages, prefix })
    }

    /// The routes, with their state.
    pub(crate) fn with_state(self, app: App) -> Routes {
        let Self { api, pages, prefix } = self;
        let api = api.into_iter().map(|route| (route, OnceLock::new())).collect();
        Routes(Arc::new(LazyRoutes { app, api, pages, router: OnceLock::new(), prefix }))
    }
}

impl fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouteTable")
    }
}

/// Answers the requests for all paths. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Routes(Arc<LazyRoutes>);

struct LazyRoutes {
    app: App,
    api: Vec<(Route, OnceLock<MethodRouter>)>,
    pages: Vec<Page>,
    /// The router of the pages, and of the paths that do not exist.
    router: OnceLock<Router>,
    prefix: String,
}

impl LazyRoutes {
    fn router(&self) -> &Router {
        self.router.get_or_init(|| {
            let add = |all: Router<App>, page: &Page| all.route(&page.path, page.methods());
            let router = self.pages.iter().fold(Router::new(), add);
            let router = prefix::with_and_without(&self.prefix, router);
            router.fallback(not_found).with_state(self.app.clone())
        })
    }

    /// The route of the API with exactly this path.
    fn of_api(&self, path: &str) -> Option<&MethodRouter> {
        let (Route { methods, finish, .. }, made) =
            self.api.iter().find(|(route, _)| route.path == path)?;
        Some(made.get_or_init(|| finish(methods().into()).with_state(self.app.clone())))
    }
}

impl Service<Request> for Routes {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let Self(made) = self;
        if let Some(route) = made.of_api(request.uri().path()) {
            return route.clone().call(request);
        }
        // First the whole path, then the path without the prefix: a route may begin with the same text as the prefix.
        if let Some(below) = prefix::without(&made.prefix, request.uri())
            && let Some(route) = made.of_api(below.path())
        {
            *request.uri_mut() = below;
            return route.clone().call(request);
        }
        made.router().clone().call(request)
    }
}
