//! URLs of Redis servers.

use url::Url;
use vexil_redis::RedisConnection;

use crate::inputs::hides_secrets;

pub(super) fn target(input: &[u8]) {
    let Ok(url) = str::from_utf8(input) else {
        return;
    };
    let one = RedisConnection::builder().url(url);
    let cluster = RedisConnection::builder().cluster([url]);
    let sentinels = RedisConnection::builder().sentinels("main", [url]);
    // Certificates of the operating system are too slow to load for each input.
    let scheme = url.split(':').next().unwrap_or_default().trim();
    let is_encrypted = scheme.bytes().any(|byte| !byte.is_ascii_graphic())
        || ["rediss", "valkeys"]
            .iter()
            .any(|secure| scheme.eq_ignore_ascii_case(secure));
    for builder in [one, cluster, sentinels] {
        hides_secrets(url, &format!("{builder:?}"));
        if is_encrypted {
            continue;
        }
        match builder.build() {
            Ok(connection) if !is_shown(url) => {
                hides_secrets(url, &format!("{connection:?}"));
            }
            Ok(_) => {}
            Err(error) => hides_secrets(url, &format!("{error} {error:?}")),
        }
    }
}

/// Whether the word is in the path of a socket, in the name of a host, or in the name of a user with
/// a password, which are shown.
fn is_shown(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        let has_password = url.password().is_some_and(|password| !password.is_empty());
        url.scheme().contains("unix")
            || url.host_str().is_some_and(|host| host.contains("s3cr3t"))
            || has_password && url.username().contains("s3cr3t")
    })
}
