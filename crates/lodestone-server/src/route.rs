//! The table of routes: what is served, for whom, with what it says of itself.
//!
//! One list makes the router, the check of keys, the answer to `OPTIONS`, `/site-map` and the OpenAPI document, so that
//! none of them can say anything else than the others.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use prometheus_client::metrics::counter::Counter;

use crate::App;
use crate::auth::Role;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum For {
    /// Anybody.
    All,
    /// Whoever has a key, whatever its roles.
    AnyKey,
    /// Whose key has this role.
    Role(Role),
}

/// What a route says of itself, for the OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// One sentence.
    pub summary: &'static str,
    /// Parameters of the query string and fields of the body, one each: `name`, where it stands, what it is.
    pub takes: &'static [Takes],
    /// Statuses and what they mean.
    pub answers: &'static [(u16, &'static str)],
}

/// A parameter or field.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// JSON type: `string`, `integer`, `number`, `boolean`, `object`, `array`, or `file`.
    pub kind: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// One sentence.
    pub about: &'static str,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the query string.
    Query,
    /// In a JSON body.
    Json,
    /// In a form.
    Form,
    /// It is the body.
    Body,
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Method in capitals.
    pub method: Method,
    /// Path as axum writes it: `/c/bank/{bank_name}`.
    pub path: &'static str,
    /// Who may call it.
    pub allowed: For,
    /// What it says of itself.
    pub about: About,
}

/// Routes that are being gathered.
#[derive(Default)]
pub struct Routes {
    list: Vec<Route>,
    methods: BTreeMap<&'static str, MethodRouter<App>>,
}

impl Routes {
    /// Adds a route.
    #[must_use]
    pub fn on<H, T>(
        mut self,
        method: Method,
        path: &'static str,
        allowed: For,
        about: About,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let Ok(filter) = MethodFilter::try_from(method.clone()) else { return self };
        self.list.push(Route { method, path, allowed, about });
        let before = self.methods.remove(path).unwrap_or_default();
        self.methods.insert(path, before.merge(on(filter, handler)));
        self
    }

    /// Adds a route for `GET` (and `HEAD`).
    #[must_use]
    pub fn get<H: Handler<T, App>, T: 'static>(
        self,
        path: &'static str,
        allowed: For,
        about: About,
        handler: H,
    ) -> Self {
        self.on(Method::GET, path, allowed, about, handler)
    }

    /// Adds a route for `POST`.
    #[must_use]
    pub fn post<H: Handler<T, App>, T: 'static>(
        self,
        path: &'static str,
        allowed: For,
        about: About,
        handler: H,
    ) -> Self {
        self.on(Method::POST, path, allowed, about, handler)
    }

    /// Adds a route for `PUT`.
    #[must_use]
    pub fn put<H: Handler<T, App>, T: 'static>(
        self,
        path: &'static str,
        allowed: For,
        about: About,
        handler: H,
    ) -> Self {
        self.on(Method::PUT, path, allowed, about, handler)
    }

    /// Adds a route for `DELETE`.
    #[must_use]
    pub fn delete<H: Handler<T, App>, T: 'static>(
        self,
        path: &'static str,
        allowed: For,
        about: About,
        handler: H,
    ) -> Self {
        self.on(Method::DELETE, path, allowed, about, handler)
    }

    /// The routes themselves.
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// The router, and the table by which requests are checked.
    pub fn finish(self) -> (Router<App>, Table) {
        let mut router = Router::new();
        for (path, methods) in self.methods {
            router = router.route(path, methods);
        }
        (router, Table::new(self.list))
    }
}

/// The routes by path, for checks.
#[derive(Debug, Default)]
pub struct Table {
    list: Vec<Route>,
    by_path: BTreeMap<&'static str, Methods>,
}

/// The methods of one path.
#[derive(Debug, Default)]
pub struct Methods {
    methods: Vec<(Method, For)>,
    /// Counts what was answered with 200, once something was: found here, not by its labels.
    pub(crate) answered: OnceLock<Counter>,
}

impl Methods {
    /// Who may call this; `None` when there is no such method. `HEAD` is `GET`.
    pub fn allowed(&self, method: &Method) -> Option<For> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.methods.iter().find(|(own, _)| own == method).map(|(_, allowed)| *allowed)
    }

    /// All of them, as in the header `Allow`.
    pub fn told(&self) -> String {
        let of = |(method, _): &(Method, For)| match method.as_str() {
            "GET" => vec!["GET".to_owned(), "HEAD".to_owned()],
            other => vec![other.to_owned()],
        };
        let mut methods: Vec<String> = self.methods.iter().flat_map(of).collect();
        methods.push("OPTIONS".to_owned());
        methods.sort_unstable();
        methods.dedup();
        methods.join(", ")
    }
}

impl Table {
    fn new(list: Vec<Route>) -> Self {
        let mut by_path: BTreeMap<&'static str, Methods> = BTreeMap::new();
        for route in &list {
            by_path.entry(route.path).or_default().methods.push((route.method.clone(), route.allowed));
        }
        Self { list, by_path }
    }

    /// All routes, in the order in which they were added.
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// The methods of a path.
    pub fn of(&self, path: &str) -> Option<&Methods> {
        self.by_path.get(path)
    }
}
