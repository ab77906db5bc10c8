//! nginx with the shipped site, where only what has to be changed is changed.

use super::{Certificate, eventually, fleet::shipped, get};
use std::{fs, net::SocketAddr, path::Path, process::Command};
use tempfile::TempDir;
use tickcast_load::{balancer::lasting_port, bench::process::Program};

/// A running nginx. Dropped, it ends.
#[derive(Debug)]
pub struct Nginx {
    _program: Program,
    /// Where plain HTTP is let in.
    pub plain: SocketAddr,
    /// Where plain HTTP is sent on.
    pub redirecting: SocketAddr,
    /// Where TLS is spoken.
    pub tls: SocketAddr,
    /// The certificate there.
    pub certificate: Certificate,
    folder: TempDir,
}

impl Nginx {
    /// In front of these gateways, with further replacements in the shipped file.
    pub async fn start(gateways: &[SocketAddr], changes: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let certificate = Certificate::write(folder.path());
        let address = || SocketAddr::from(([127, 0, 0, 1], lasting_port().expect("a free port")));
        let (plain, redirecting, tls) = (address(), address(), address());
        let mut site = fs::read_to_string(shipped("nginx/tickcast.conf")).expect("the site");
        let own = folder.path().display().to_string();
        let listens = format!("listen {tls} ssl; listen {plain};");
        for (from, to) in [
            ("listen 443 ssl;", listens.as_str()),
            ("listen [::]:443 ssl;", ""),
            ("listen 80;", &format!("listen {redirecting};")),
            ("listen [::]:80;", ""),
            ("server 127.0.0.1:8080", &format!("server {}", gateways[0])),
            ("server 127.0.0.1:8081", &format!("server {}", gateways[1])),
            ("server 127.0.0.1:8082", &format!("server {}", gateways[2])),
            ("/etc/nginx/tickcast/fullchain.pem", &format!("{own}/fullchain.pem")),
            ("/etc/nginx/tickcast/privkey.pem", &format!("{own}/privkey.pem")),
            ("/var/log/nginx/tickcast.log", &format!("{own}/access.log")),
            ("/var/log/nginx/tickcast.error.log", &format!("{own}/error.log")),
        ]
        .iter()
        .chain(changes)
        {
            assert_eq!(site.matches(from).count(), 1, "{from:?} stands in the shipped file once");
            site = site.replace(from, to);
        }
        fs::write(folder.path().join("tickcast.conf"), site).expect("a file");
        write_frame(folder.path());
        let mut check = nginx(folder.path());
        let checked = check.arg("-t").output().expect("nginx is installed");
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success() && !said.contains("[warn]"), "{said}");
        let program = Program::start(nginx(folder.path()), "nginx", folder.path(), None, false);
        let _program = program.expect("nginx is installed");
        let nginx = Self { _program, plain, redirecting, tls, certificate, folder };
        eventually("nginx answers", async || get(&format!("http://{plain}/v1/topics")).await).await;
        nginx
    }

    /// The WebSocket address without TLS.
    pub fn ws(&self) -> String {
        format!("ws://{}/ws", self.plain)
    }

    /// All that it has logged.
    pub fn logs(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}{}", read("access.log"), read("error.log"))
    }
}

/// What distributions put around sites, for a user without rights.
fn write_frame(folder: &Path) {
    let own = folder.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {own}/{name};"))
        .concat();
    // In the foreground, so that it ends with the test; two workers, which share what is counted.
    let text = format!(
        "daemon off; worker_processes 2; pid {own}/nginx.pid; error_log {own}/error.log;\n\
         events {{ worker_connections 256; }}\n\
         http {{ {temporary} access_log off; include {own}/tickcast.conf; }}\n"
    );
    fs::write(folder.join("nginx.conf"), text).expect("a file");
}

fn nginx(folder: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    command.arg("-e").arg(folder.join("error.log"));
    command
}
