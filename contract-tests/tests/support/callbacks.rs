//! The endpoints of the harness that the service calls.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use tokio::sync::oneshot;

/// How long a test waits for posts.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Posts {
    /// Path and body, in order.
    list: Mutex<Vec<(String, String)>>,
    /// Notified after each post.
    arrived: Condvar,
}

/// Accepts posts to any path. The response is the path and the body, an error below `/broken`, or
/// a response configured by the test.
pub(crate) struct Callbacks {
    url: String,
    posts: Arc<Posts>,
    /// Dropped to stop.
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl Callbacks {
    pub(crate) fn start() -> Self {
        Self::answering(&[])
    }

    /// Starts with these responses at these paths.
    pub(crate) fn answering(answers: &[(&str, serde_json::Value)]) -> Self {
        let answers: HashMap<_, _> = answers
            .iter()
            .map(|(path, json)| ((*path).to_owned(), json.to_string()))
            .collect();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let posts = Arc::<Posts>::default();
        let kept = Arc::clone(&posts);
        let answer = move |uri: Uri, body: String| {
            let text = answers
                .get(uri.path())
                .cloned()
                .unwrap_or_else(|| format!("{} {body}", uri.path()));
            let post = (uri.path().to_owned(), body);
            kept.list.lock().unwrap().push(post);
            kept.arrived.notify_all();
            let status = if uri.path().starts_with("/broken") {
                StatusCode::CONFLICT
            } else {
                StatusCode::OK
            };
            std::future::ready((status, text))
        };
        let running = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async { drop(stopped.await) };
                axum::serve(listener, Router::new().fallback(answer))
                    .with_graceful_shutdown(stopped)
                    .await
                    .unwrap();
            });
        });
        Self {
            url,
            posts,
            stop: Some(stop),
            running: Some(running),
        }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Waits until this many posts have arrived since the last call, and takes them.
    pub(crate) fn take_json_of(&self, count: usize) -> Vec<(String, serde_json::Value)> {
        let list = self.posts.list.lock().unwrap();
        let arrived = &self.posts.arrived;
        let (list, _) = arrived
            .wait_timeout_while(list, TIMEOUT, |list| list.len() < count)
            .unwrap();
        assert!(list.len() >= count, "{} of {count} posts", list.len());
        drop(list);
        self.take_json()
    }

    /// Takes the posts since the last call.
    pub(crate) fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.posts.list.lock().unwrap())
    }

    /// Like [`Self::take`], parsed as JSON.
    pub(crate) fn take_json(&self) -> Vec<(String, serde_json::Value)> {
        self.take()
            .into_iter()
            .map(|(path, body)| (path, serde_json::from_str(&body).unwrap()))
            .collect()
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let (Some(running), false) = (self.running.take(), thread::panicking()) {
            running.join().unwrap();
        }
    }
}
