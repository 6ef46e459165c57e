//! A service on loopback, with faults; the way to it; and a bank that takes pages in as a caller would.

mod bank;
mod net;
mod server;
pub(crate) mod services;

use lodestone_exchange::client::{self, ClientError, Page, Settings};
use serde_json::{Value, json};

pub(crate) use bank::Bank;
pub(crate) use net::Loopback;
pub(crate) use server::{Asked, Fault, Mock, Reply};

/// The present, in tests: 2023-11-14T22:13:20Z.
pub(crate) const NOW: i64 = 1_700_000_000;

/// Settings with every credential that a service may ask for.
pub(crate) fn settings(base_url: String, config: &Value) -> Settings {
    let credentials = json!({
        "user": "tester", "password": "geheim", "username": "tester", "api_token": "123456789|secret-secret-secret",
        "fetch_function_key": "fetch-key", "feedback_function_key": "feedback-key", "submit_function_key": "submit-key",
        "subscription_key": "subscription", "token": "peer-token",
    });
    Settings {
        config: config.as_object().unwrap().clone(),
        credentials: credentials.as_object().unwrap().clone(),
        base_url: Some(base_url),
        ..Settings::default()
    }
}

/// Fetches to the end; every page is applied with its checkpoint.
pub(crate) fn fetch(
    api: &str,
    settings: &Settings,
    net: &mut Loopback,
    bank: &mut Bank,
) -> Result<Vec<Page>, ClientError> {
    let mut client = client::open(api, settings, bank.checkpoint().as_ref())?;
    let mut pages = Vec::new();
    while let Some(page) = client.next_page(net)? {
        bank.apply(&page);
        pages.push(page);
    }
    assert!(pages.last().is_some_and(|page| page.is_last), "a fetch ends with its last page");
    assert_eq!(pages.iter().filter(|page| page.is_last).count(), 1);
    Ok(pages)
}

/// Applies so many pages, gets one more that is lost if `loses_one`, and is killed.
pub(crate) fn fetch_killed(
    api: &str,
    settings: &Settings,
    net: &mut Loopback,
    bank: &mut Bank,
    pages: usize,
    loses_one: bool,
) -> Result<(), ClientError> {
    let mut client = client::open(api, settings, bank.checkpoint().as_ref())?;
    for _ in 0..pages {
        match client.next_page(net)? {
            Some(page) => bank.apply(&page),
            None => return Ok(()),
        }
    }
    if loses_one {
        client.next_page(net)?;
    }
    Ok(())
}
