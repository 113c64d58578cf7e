//! The handlers of the shop, and the flags that they use.

use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use vexil::Flags;
use vexil_tower::RequestScope;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/api/shop", get(shop))
        .route("/api/orders", post(order))
}

/// What a visitor sees. The names of the fields are those of the flags.
#[derive(Flags, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ShopFlags {
    #[flag(default = Theme::Light)]
    theme: Theme,
    #[flag(default = "Welcome!")]
    greeting: String,
    #[flag(default = Search { results: 10, suggestions: false })]
    search: Search,
    #[flag(flatten)]
    #[serde(flatten)]
    checkout: CheckoutFlags,
}

#[derive(Flags, Serialize)]
#[serde(rename_all = "kebab-case")]
struct CheckoutFlags {
    #[flag(default = false)]
    new_checkout: bool,
    #[flag(default = 0)]
    discount_percent: u8,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Theme {
    Light,
    Dark,
    Contrast,
}

#[derive(Deserialize, Serialize)]
struct Search {
    results: u32,
    suggestions: bool,
}

async fn shop(scope: RequestScope) -> Json<ShopFlags> {
    Json(ShopFlags::evaluate_in(&scope))
}

#[derive(Deserialize)]
struct Order {
    cents: u32,
}

#[derive(Serialize)]
struct Receipt {
    cents: u32,
    checkout: &'static str,
}

async fn order(scope: RequestScope, Json(order): Json<Order>) -> Json<Receipt> {
    let flags = CheckoutFlags::evaluate_in(&scope);
    let percent = 100 - u64::from(flags.discount_percent.min(100));
    let cents = u64::from(order.cents) * percent / 100;
    Json(Receipt {
        // Not more than the cents of the order.
        cents: u32::try_from(cents).unwrap_or(order.cents),
        checkout: if flags.new_checkout { "new" } else { "old" },
    })
}
