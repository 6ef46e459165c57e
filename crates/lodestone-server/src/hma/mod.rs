//! HMA's routes, at the root, in HMA's shapes. *Source:* `docs/hma-compatibility.md`, which lists every difference.

pub(crate) mod banks;
pub(crate) mod compare;
pub(crate) mod content;
pub(crate) mod core;
pub(crate) mod hashing;
pub(crate) mod matching;
pub(crate) mod metadata;
pub(crate) mod types;

use crate::Config;
use crate::route::Routes;

/// All of HMA's routes that these settings offer.
pub(crate) fn routes(routes: Routes, _config: &Config) -> Routes {
    let routes = core::routes(routes);
    let routes = hashing::routes(routes);
    let routes = matching::routes(routes);
    let routes = compare::routes(routes);
    let routes = banks::routes(routes);
    let routes = content::routes(routes);
    types::routes(routes)
}
