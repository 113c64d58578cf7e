//! `vexil serve`.

mod access;
mod clients;
mod endpoints;
mod environments;
mod files;
mod lifecycle;
mod malformed;
mod overrides;
mod page_api;
mod payloads;
mod serving;
