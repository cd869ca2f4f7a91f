//! 反复使用线程：服务完一个连接的线程，再来等下一个，不必为每个连接启动一个新线程。
//!
//! 启动和结束一个线程，比响应一个小网页还费时，所以每个请求用的处理器时间少一半以上，
//! 见 `docs/speed-and-faults.md`。与 `robust` 的答案只有接受连接的办法不同，服务一个连接的 `serve` 就是它的。
//!
//! 通过全部测试。
//! 运行：`cargo run -p http_image_solution --example http_image_reused_threads`

use std::env;
use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

#[allow(dead_code)]
#[path = "../robust/src/server.rs"]
mod server;

/// 已有这么多线程在等连接时，服务完的线程就结束。
const MAX_WAITING: usize = 8;

/// 不能接受连接时，停这么久再试。
const RETRY: Duration = Duration::from_millis(100);

/// 正在等连接的线程的个数。
static WAITING: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let addr = env::args().nth(1).unwrap_or("0.0.0.0:8000".to_string());
    if let Err(e) = run(&addr) {
        eprintln!("错误：{e}");
        process::exit(1);
    }
}

fn run(addr: &str) -> Result<(), Box<dyn Error>> {
    let sock = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    let mut url = sock.local_addr()?;
    eprintln!("图片网页服务端已启动：{url}");
    if url.ip().is_unspecified() {
        url.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    eprintln!("请用浏览器打开 http://{url}/");
    let sock: &'static TcpListener = Box::leak(Box::new(sock)); // 各线程共用，到程序结束为止
    loop {
        serve_next(sock);
    }
}

/// 等一个连接，服务它。许多线程同时在这里等，系统把每个连接只交给其中一个。
fn serve_next(sock: &'static TcpListener) {
    match accept(sock) {
        Ok(connfd) => drop(server::serve(&connfd)),
        Err(e) => {
            eprintln!("无法接受连接：{e}");
            thread::sleep(RETRY);
        }
    }
}

/// 等一个连接；如果已经没有别的线程在等，就再启动一个：备用连接再多，也总有线程在等下一个连接。
fn accept(sock: &'static TcpListener) -> io::Result<TcpStream> {
    WAITING.fetch_add(1, SeqCst);
    let accepted = sock.accept();
    let was_last = WAITING.fetch_sub(1, SeqCst) == 1;
    let (connfd, _) = accepted?;
    if was_last {
        thread::Builder::new().spawn(move || {
            while WAITING.load(SeqCst) < MAX_WAITING {
                serve_next(sock);
            }
        })?;
    }
    Ok(connfd)
}
