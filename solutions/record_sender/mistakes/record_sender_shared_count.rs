//! 典型错误：所有连接共用一个条数。
//!
//! - 想法：条数是服务端的状态，用一个全局的计数器。
//! - 结果：第二个客户端的条数包括了第一个的；属于一个连接的状态，要放在服务这个连接的函数里。
//!
//! 拒绝它的测试：`basic` 的 `server_appends_and_counts_for_each_client`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_shared_count -- server`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("记录服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(&stream));
    }
    Ok(())
}

static SAVED: AtomicUsize = AtomicUsize::new(0);

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open("records.txt")?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")) {
            None => return Ok(()),
            Some(b"#") => break,
            Some(b"") => continue,
            Some(record) => file.write_all(&[record, b"\n"].concat())?,
        }
        SAVED.fetch_add(1, Ordering::Relaxed);
    }
    let saved = SAVED.load(Ordering::Relaxed);
    println!("已保存 {saved} 条记录");
    stream.write_all(format!("{saved}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink()).map(drop)
}
