//! The methods of a path, with a handler for each.
//!
//! The functions that add a handler to axum's [`MethodRouter`] are generic over the handler. For each, the compiler
//! makes dozens of functions, and proves in many of them that the whole future of the handler is [`Send`]: this was a
//! fifth of the build of this crate. So a handler becomes a value of one type first.

use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use futures::future::BoxFuture;

use crate::App;

/// A function that axum accepts as a handler: axum takes its arguments from the request.
pub(crate) trait RequestHandler<T>:
    Handler<T, App, Future = BoxFuture<'static, Response>>
{
}

impl<T, H: Handler<T, App, Future = BoxFuture<'static, Response>>> RequestHandler<T> for H {}

/// Any handler.
#[derive(Clone)]
struct AnyHandler(Arc<dyn Fn(Request, App) -> BoxFuture<'static, Response> + Send + Sync>);

impl AnyHandler {
    fn new<T: 'static>(handler: impl RequestHandler<T>) -> Self {
        Self(Arc::new(move |request, app| handler.clone().call(request, app)))
    }
}

impl Handler<(), App> for AnyHandler {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, app: App) -> Self::Future {
        (self.0)(request, app)
    }
}

/// The methods of a path.
pub(crate) struct Methods(MethodRouter<App>);

impl From<Methods> for MethodRouter<App> {
    fn from(methods: Methods) -> Self {
        methods.0
    }
}

/// A path with a handler for `GET`, which answers `HEAD`, too.
pub(crate) fn get<T: 'static>(handler: impl RequestHandler<T>) -> Methods {
    on(MethodFilter::GET, handler)
}

/// A path with a handler for `POST`.
pub(crate) fn post<T: 'static>(handler: impl RequestHandler<T>) -> Methods {
    on(MethodFilter::POST, handler)
}

/// A path with a handler for `PUT`.
pub(crate) fn put<T: 'static>(handler: impl RequestHandler<T>) -> Methods {
    on(MethodFilter::PUT, handler)
}

fn on<T: 'static>(method: MethodFilter, handler: impl RequestHandler<T>) -> Methods {
    Methods(MethodRouter::new()).and(method, handler)
}

impl Methods {
    /// With a handler for `POST`, too.
    pub(crate) fn post<T: 'static>(self, handler: impl RequestHandler<T>) -> Self {
        self.and(MethodFilter::POST, handler)
    }

    /// With a handler for `PUT`, too.
    pub(crate) fn put<T: 'static>(self, handler: impl RequestHandler<T>) -> Self {
        self.and(MethodFilter::PUT, handler)
    }

    /// With a handler for `PATCH`, too.
    pub(crate) fn patch<T: 'static>(self, handler: impl RequestHandler<T>) -> Self {
        self.and(MethodFilter::PATCH, handler)
    }

    fn and<T: 'static>(self, method: MethodFilter, handler: impl RequestHandler<T>) -> Self {
        Self(self.0.on(method, AnyHandler::new(handler)))
    }
}
