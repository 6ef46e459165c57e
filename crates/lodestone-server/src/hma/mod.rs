//! HMA's routes, at the root, in HMA's shapes. *Source:* `docs/hma-compatibility.md`, which lists every difference.

pub(crate) mod banks;
pub(crate) mod compare;
pub(crate) mod content;
pub(crate) mod core;
pub(crate) mod dev;
pub(crate) mod exchange_apis;
pub(crate) mod exchanges;
pub(crate) mod hashing;
pub(crate) mod matching;
pub(crate) mod metadata;
pub(crate) mod types;

use crate::Config;
use crate::route::Routes;

/// All of HMA's routes that these settings offer.
pub(crate) fn routes(routes: Routes, config: &Config) -> Routes {
    let routes = core::routes(routes);
    let routes = hashing::routes(routes);
    let routes = matching::routes(routes);
    let routes = compare::routes(routes);
    let routes = banks::routes(routes);
    let routes = content::routes(routes);
    let routes = exchange_apis::routes(routes);
    let routes = exchanges::routes(routes);
    let routes = if config.dev { dev::routes(routes) } else { routes };
    types::routes(routes)
}
