//! The page at `/`: one file inside the program, nothing from elsewhere.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// Nothing but the page's own script and style, and the sandbox's own calls.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Shows the page.
pub(super) async fn show() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, include_str!("page.html")).into_response()
}
