//! 典型错误：读没有时限。
//!
//! - 想法：客户端总会发完，或者关闭连接；`read` 等着就好。
//! - 结果：断电、断网的客户端什么也不会再发，连接却还在：线程、描述符和打开的文件一直占用，直到用完。
//!
//! 拒绝它的测试：`robust` 的 `pauses_and_silence`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_no_timeout -- server`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
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

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open("records.txt")?;
    let mut reader = BufReader::new(stream);
    let mut saved = 0;
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")) {
            None => return Ok(()),
            Some(b"#") => break,
            Some(b"") => continue,
            Some(record) => file.write_all(&[record, b"\n"].concat())?,
        }
        saved += 1;
    }
    println!("已保存 {saved} 条记录");
    stream.write_all(format!("{saved}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink()).map(drop)
}
