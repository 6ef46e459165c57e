//! The OpenAPI document, made from the table of routes: what is served and what is told cannot differ.
//!
//! *Source:* OpenAPI Specification 3.1.0; JSON Schema 2020-12.

use axum::Extension;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::App;
use crate::http::reply::{Json, typed};
use crate::route::{About, For, Place, Route, Routes, Table, Takes};
use crate::ui::{self, Page, Tab, Visit};

pub(crate) fn routes(routes: Routes) -> Routes {
    let about = |summary, answers| About { summary, takes: &[], answers };
    let routes = routes
        .get("/openapi/openapi.json", For::All, about("This document", &[(200, "OpenAPI 3.1")]), served)
        .get("/openapi/", For::All, about("Page: all routes", &[(200, "The page")]), page)
        .get("/openapi/swagger", For::All, about("To the page", &[(302, "There")]), swagger);
    ui::asset_routes(routes)
}

async fn served(State(app): State<App>) -> Json {
    Json::ok(document(app.table()))
}

async fn page(State(app): State<App>, Extension(visit): Extension<Visit>) -> Response {
    let page = Page {
        tab: Tab::Documentation,
        title: "Routes".to_owned(),
        sub: "<span><a href=\"/openapi/openapi.json\">OpenAPI document</a></span>".to_owned(),
        body: ui::listing(app.table()),
    };
    typed(StatusCode::OK, "text/html; charset=utf-8", ui::frame(&page, &visit, app.config.open))
}

async fn swagger() -> Response {
    let mut response = typed(StatusCode::FOUND, "text/html; charset=utf-8", "");
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/openapi/"));
    response
}

/// The document: an operation for each route, with its parameters, body, answers, and the role it needs.
pub fn document(table: &Table) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in table.list() {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lodestone",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Hasher-Matcher-Actioner's API, and our own under /v1",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": GROUPS.map(|(name, _, about)| json!({ "name": name, "description": about })),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "An API key; each has one or several roles" },
            },
            "schemas": { "Error": {
                "type": "object",
                "properties": { "message": { "type": "string" } },
                "required": ["message"],
            } },
        },
    })
}

/// Groups of routes: name, prefixes, what they are for. The first that fits counts.
const GROUPS: [(&str, &[&str], &str); 8] = [
    ("hashing", &["/h/"], "Signals of files"),
    ("matching", &["/m/"], "Look-ups"),
    ("curation", &["/c/"], "Banks, contents, exchanges, signal types"),
    ("own", &["/v1/"], "What Hasher-Matcher-Actioner has not"),
    ("development", &["/dev/"], "With --dev only"),
    ("pages", &["/ui"], "For people"),
    ("documents", &["/openapi/"], "What is served"),
    ("running", &["/"], "For those who run the server"),
];

/// The group of a path.
pub(crate) fn group(path: &str) -> &'static str {
    let fits = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    GROUPS.iter().find(|(_, prefixes, _)| fits(prefixes)).map_or("running", |(name, ..)| name)
}

/// The groups in their order, with what they are for.
pub(crate) fn groups() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.iter().map(|(name, _, about)| (*name, *about))
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = path_parameters(route.path)
        .map(|name| {
            let kind = if name.ends_with("_id") { "integer" } else { "string" };
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } })
        })
        .collect();
    for takes in route.about.takes.iter().filter(|takes| takes.place == Place::Query) {
        parameters.push(json!({
            "name": takes.name,
            "in": "query",
            "required": takes.required,
            "description": takes.about,
            "schema": schema(takes.kind),
        }));
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.about.summary,
        "tags": [group(route.path)],
        "parameters": parameters,
        "responses": answers(route),
        "security": security(route.allowed),
    });
    if let (Some(body), Some(operation)) = (body(route.about.takes), operation.as_object_mut()) {
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

/// Names in braces.
pub(crate) fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.trim_start_matches('*'))
}

/// A name for programs that make clients of the document: method and path.
fn operation_id(route: &Route) -> String {
    let parts = route.path.split(['/', '.', '-']).filter(|part| !part.is_empty());
    let words: Vec<_> = parts.map(|part| part.trim_matches(['{', '}', '*'])).collect();
    let mut id = route.method.as_str().to_ascii_lowercase();
    for word in &words {
        id.push('_');
        id.push_str(word);
    }
    // `/ui` and `/ui/` are two routes.
    match route.path {
        "/" => id + "_root",
        path if path.ends_with('/') => id + "_index",
        _ => id,
    }
}

fn schema(kind: &str) -> Value {
    match kind {
        // A file is bytes: in a form, without a format. *Source:* OpenAPI 3.1, "Considerations for File Uploads".
        "file" => json!({ "type": "string", "contentMediaType": "application/octet-stream" }),
        "array" => json!({ "type": "array", "items": {} }),
        kind => json!({ "type": kind }),
    }
}

/// The body: JSON, a form, or as it is; by the places of what is taken. Several kinds stand side by side.
fn body(takes: &[Takes]) -> Option<Value> {
    let mut content = Map::new();
    let fields = |place: Place| takes.iter().filter(move |takes| takes.place == place);
    if fields(Place::Json).next().is_some() {
        content.insert("application/json".to_owned(), json!({ "schema": object(fields(Place::Json)) }));
    }
    if fields(Place::Form).next().is_some() {
        let is_file = fields(Place::Form).any(|takes| takes.kind == "file");
        let form = json!({ "schema": object(fields(Place::Form)) });
        if !is_file {
            content.insert("application/x-www-form-urlencoded".to_owned(), form.clone());
        }
        content.insert("multipart/form-data".to_owned(), form);
    }
    for takes in fields(Place::Body) {
        // The name of what is the body is its media type.
        let kind = if takes.name.contains('/') { takes.name } else { "application/octet-stream" };
        let mut schema = schema(takes.kind);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), json!(takes.about));
        }
        content.insert(kind.to_owned(), json!({ "schema": schema }));
    }
    let required = takes.iter().any(|takes| takes.place != Place::Query && takes.required);
    (!content.is_empty()).then(|| json!({ "required": required, "content": content }))
}

fn object<'t>(fields: impl Iterator<Item = &'t Takes> + Clone) -> Value {
    let properties: Map<String, Value> = fields
        .clone()
        .map(|takes| {
            let mut schema = schema(takes.kind);
            if let Some(schema) = schema.as_object_mut() {
                schema.insert("description".to_owned(), json!(takes.about));
            }
            (takes.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<_> = fields.filter(|takes| takes.required).map(|takes| takes.name).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    if let (false, Some(object)) = (required.is_empty(), object.as_object_mut()) {
        object.insert("required".to_owned(), json!(required));
    }
    object
}

/// Its own answers, and those that the edge gives for it.
fn answers(route: &Route) -> Value {
    let mut answers: Map<String, Value> = Map::new();
    let page = ui::is_page(route.path);
    let mut add = |status: u16, about: &str| {
        let answer = match status {
            400.. if !page && status != 422 => json!({
                "description": about,
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
            }),
            _ => json!({ "description": about }),
        };
        answers.entry(status.to_string()).or_insert(answer);
    };
    for (status, about) in route.about.answers {
        add(*status, about);
    }
    match route.allowed {
        For::All => {}
        For::AnyKey => {
            add(401, "No key");
            add(429, "Too many requests");
        }
        For::Role(_) => {
            add(401, "No key");
            add(403, "The key has not the role");
            add(429, "Too many requests");
        }
    }
    Value::Object(answers)
}

fn security(allowed: For) -> Value {
    match allowed {
        For::All => json!([]),
        For::AnyKey => json!([{ "key": [] }]),
        // Since 3.1 roles may stand here for any scheme.
        For::Role(role) => json!([{ "key": [role.as_str()] }]),
    }
}

#[cfg(test)]
mod tests;
