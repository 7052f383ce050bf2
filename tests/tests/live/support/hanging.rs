//! A node that never answers one method, and everything else as the one behind it does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Starts one in front of `url`, for the rest of the process; its own URL.
pub fn hanging_at(method: &'static str, url: &str) -> String {
    let behind = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // Connections that were left hanging are not closed either.
        let mut hanging = Vec::new();
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(&behind) else { continue };
            hanging.push((client.try_clone().unwrap(), server.try_clone().unwrap()));
            let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut back, &mut to));
            std::thread::spawn(move || forward(client, server, method));
        }
    });
    own
}

/// Request by request, until one is not to be answered.
fn forward(mut client: TcpStream, mut server: TcpStream, method: &str) -> Option<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = client.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(body) = bytes.windows(4).position(|it| it == b"\r\n\r\n").map(|at| at + 4) else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..body]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length?.trim().parse().ok()?;
        if bytes.len() < body + length {
            continue;
        }
        if String::from_utf8_lossy(&bytes[body..]).contains(method) {
            return None;
        }
        server.write_all(&bytes).ok()?;
        bytes.clear();
    }
}
