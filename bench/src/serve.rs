//! The flag server: how long an override takes to 200 streaming clients, how soon the server is ready,
//! and its memory.
//!
//! The server is a process of its own, so that its memory is known. The clients are connections of this
//! process, which only look for the value in what they receive.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::effort::Effort;
use crate::layout::{self, Spread};
use crate::memory::Memory;
use crate::ours::Ours;
use crate::report::Report;
use crate::sdk::Sdk;
use crate::workload::generate;

const SUBCOMMAND: &str = "vexil";
/// A process that only reads a file and parses its flags, with which readiness is compared: the memory
/// of a new process is cold, as that of a starting server.
const PARSE: &str = "parse-file";
/// What that process prints when it has parsed.
const PARSED: &str = "parsed";
const FILE: &str = "flags.json";
const CLIENTS: usize = 200;
const FLAG: &str = "bench-simple";
const TIMEOUT: Duration = Duration::from_secs(60);
/// Begins the value of each override; its number follows, with as many digits as this.
const MARK: &str = "marker-";
const DIGITS: usize = 6;

/// Runs the command `vexil` if this process was started as a server, or parses a file.
pub(crate) fn run(arguments: &[String]) -> Option<Result<(), Box<dyn Error>>> {
    let (first, rest) = arguments.split_first()?;
    match first.as_str() {
        SUBCOMMAND => Some(run_command(rest)),
        PARSE => Some(parse_file()),
        _ => None,
    }
}

fn run_command(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let arguments = arguments.iter().map(String::as_str);
    let command = [SUBCOMMAND].into_iter().chain(arguments);
    let mut io = vexil_cli::Io::of_process();
    match vexil_cli::run(command.map(Into::into), &mut io) {
        vexil_cli::Exit::Done => Ok(()),
        exit => Err(format!("vexil ended with {exit:?}").into()),
    }
}

fn parse_file() -> Result<(), Box<dyn Error>> {
    let data = Ours::parse(&fs::read(FILE)?)?;
    println!("{PARSED}");
    drop(data);
    Ok(())
}

/// Measures servers of 200 and of 10,000 flags.
pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let changes = effort.choose(5, 100);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut latencies, mut sizes) = (Vec::new(), Vec::new());
    for flags in [200, 10_000] {
        let folder = tempfile::tempdir()?;
        let json = generate(flags).to_json()?;
        fs::write(folder.path().join(FILE), &json)?;
        let (mut ready, mut parsing) = (Vec::new(), Vec::new());
        for _ in 0..effort.choose(1, 7) {
            let begun = Instant::now();
            let server = Server::start(folder.path())?;
            ready.push(begun.elapsed().as_secs_f64() * 1e3);
            // Not timed: it waits for the end of the process.
            drop(server);
            let begun = Instant::now();
            let (mut process, line) = start(folder.path(), &[PARSE])?;
            parsing.push(begun.elapsed().as_secs_f64() * 1e3);
            process.wait()?;
            if line.trim_end() != PARSED {
                return Err("the file was not parsed".into());
            }
        }
        let (ready, parsing) = (Spread::of(ready), Spread::of(parsing));
        let mut resident = Vec::new();
        for (name, path) in PATHS {
            let server = Server::start(folder.path())?;
            resident.push(server.resident()?);
            let times = runtime.block_on(deliveries(&server, path, changes))?;
            resident.push(server.resident()?);
            latencies.push([
                layout::grouped(f64::from(flags)),
                name.to_owned(),
                milliseconds(&times, 50),
                milliseconds(&times, 99),
                milliseconds(&times, 100),
            ]);
        }
        let size = json.len() as f64;
        let times = |bytes: u64| format!("{:.1}", bytes as f64 * 1024.0 / size);
        sizes.push([
            layout::grouped(f64::from(flags)),
            format!("{:.2}", size / f64::from(1 << 20)),
            format!("{:.0}", ready.median),
            format!("{:.1}", ready.median / parsing.median),
            times(resident[0]),
            times(resident[1]),
            times(resident[3]),
        ]);
    }
    let latencies = layout::aligned(
        ["flags", "200 streams", "p50, ms", "p99, ms", "max, ms"].map(String::from),
        &latencies,
    );
    let sizes = layout::aligned(
        [
            "flags",
            "JSON, MiB",
            "ready, ms",
            "times only parsing",
            "memory at rest, times the JSON",
            "with 200 server-side streams",
            "with 200 contexts",
        ]
        .map(String::from),
        &sizes,
    );
    Ok(Report {
        text: format!("{latencies}\n{sizes}"),
        findings: Vec::new(),
    })
}

/// The path of a stream, by the number of the client.
type StreamPath = fn(usize) -> String;

/// The streams of each kind.
const PATHS: [(&str, StreamPath); 3] = [
    ("server-side, classic", |_| "/all".to_owned()),
    ("client-side, 200 contexts", |number| {
        let context = format!(r#"{{"key":"user-{number}"}}"#);
        format!("/meval/{}", URL_SAFE_NO_PAD.encode(context))
    }),
    ("server-side, second protocol", |_| "/sdk/stream".to_owned()),
];

/// Starts this program in a folder, and returns its first line.
fn start(folder: &Path, arguments: &[&str]) -> Result<(Child, String), Box<dyn Error>> {
    let mut process = Process::new(std::env::current_exe()?)
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(output) = process.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    Ok((process, line))
}

/// A server in a process of its own, which ends when this is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server of the file `flags.json`, and waits until it is ready.
    fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let (process, line) = start(
            folder,
            &[SUBCOMMAND, "serve", FILE, "--listen", "127.0.0.1:0"],
        )?;
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once(' ')?.0.parse().ok())
            .ok_or("the server has not become ready")?;
        Ok(Self { process, address })
    }

    /// Returns the resident memory in KiB.
    fn resident(&self) -> Result<u64, Box<dyn Error>> {
        Ok(Memory::of(self.process.id())?.resident)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the times in milliseconds from the request that sets an override to its arrival, of each
/// change at each client, in order.
async fn deliveries(
    server: &Server,
    path: StreamPath,
    changes: usize,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let (sender, mut arrivals) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let stream = open(server.address, &path(number)).await?;
        clients.spawn(receive(stream, sender.clone()));
    }
    let mut times = Vec::new();
    // The first one shows that all clients receive.
    for change in 0..=changes {
        let begun = Instant::now();
        set(server.address, change).await?;
        for _ in 0..CLIENTS {
            let arrived = timeout(TIMEOUT, arrivals.recv()).await?;
            let (number, at): (usize, Instant) = arrived.ok_or("the streams have ended")?;
            if number != change {
                return Err(format!("override {number} arrived instead of {change}").into());
            }
            if change > 0 {
                times.push(at.duration_since(begun).as_secs_f64() * 1e3);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Opens a stream, and reads all flags.
async fn open(address: SocketAddr, path: &str) -> Result<TcpStream, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 1 << 16];
    let mut end = Vec::new();
    // An event ends with an empty line, and is followed by the end of a chunk.
    while !end.ends_with(b"\n\n\r\n") {
        let length = timeout(TIMEOUT, stream.read(&mut buffer)).await??;
        if length == 0 {
            return Err("the stream has ended".into());
        }
        end.extend_from_slice(&buffer[..length]);
        let kept = end.len().saturating_sub(4);
        end.drain(..kept);
    }
    Ok(stream)
}

/// Looks for the values of overrides, until the stream ends.
async fn receive(mut stream: TcpStream, arrivals: mpsc::UnboundedSender<(usize, Instant)>) {
    let mut received = Vec::new();
    let mut last = None;
    let length = MARK.len() + DIGITS;
    loop {
        match stream.read_buf(&mut received).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let at = Instant::now();
        for window in received
            .windows(length)
            .filter(|window| window.starts_with(MARK.as_bytes()))
        {
            let digits = std::str::from_utf8(&window[MARK.len()..]).ok();
            let number = digits.and_then(|digits| digits.parse().ok());
            if number.is_some() && number != last {
                last = number;
                if let Some(number) = number {
                    // Fails only at the end of the measurement.
                    let _ = arrivals.send((number, at));
                }
            }
        }
        let kept = received.len().saturating_sub(length - 1);
        received.drain(..kept);
    }
}

/// Sets the override with this number.
async fn set(address: SocketAddr, number: usize) -> Result<(), Box<dyn Error>> {
    let form = format!(r#"{{"value":"{MARK}{number:0DIGITS$}"}}"#);
    let request = format!(
        "PUT /vexil/api/env/default/overrides/flags/{FLAG} HTTP/1.1\r\nHost: localhost\r\n\
         X-Vexil: 1\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(TIMEOUT, stream.read_to_string(&mut answer)).await??;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(answer.into()),
    }
}

/// Formats the time below which this percentage of the sorted times is.
fn milliseconds(times: &[f64], percent: usize) -> String {
    let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
    let time = times.get(index).copied().unwrap_or(f64::NAN);
    format!("{time:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<_> = (1..=200).map(f64::from).collect();
        let found = [50, 99, 100].map(|percent| milliseconds(&times, percent));
        assert_eq!(found, ["100.0", "198.0", "200.0"]);
        assert_eq!(milliseconds(&[], 50), "NaN");
    }
}
