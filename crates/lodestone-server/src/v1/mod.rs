//! Our own routes.

pub(crate) mod keys;

use crate::route::Routes;

/// All of our own routes.
pub(crate) fn routes(routes: Routes) -> Routes {
    keys::routes(routes)
}
