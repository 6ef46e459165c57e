//! Style sheet, script, icon: in the program, served to anybody, as the login page needs them.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use crate::error::ApiError;
use crate::http::reply::typed;
use crate::route::{About, For, Routes};

const FILES: [(&str, &str, &str); 3] = [
    ("page.css", "text/css; charset=utf-8", include_str!("assets/page.css")),
    ("page.js", "text/javascript; charset=utf-8", include_str!("assets/page.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

pub(super) fn routes(routes: Routes) -> Routes {
    let about = About {
        summary: "Style sheet, script and icon of the pages",
        takes: &[],
        answers: &[(200, "The file"), (404, "No such file")],
    };
    routes.get("/ui/assets/{name}", For::All, about, file)
}

async fn file(Path(name): Path<String>) -> Result<Response, ApiError> {
    let (_, kind, text) = FILES.iter().find(|(own, ..)| *own == name).ok_or_else(ApiError::no_route)?;
    Ok(typed(StatusCode::OK, kind, *text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_them_asks_for_something_elsewhere() {
        for (name, _, text) in FILES {
            for bad in ["http://", "https://", "//cdn", "@import", "url(", "eval(", "innerHTML"] {
                // The namespace of SVG is a name, not an address.
                let text = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!text.contains(bad), "{name}: {bad}");
            }
        }
    }
}
