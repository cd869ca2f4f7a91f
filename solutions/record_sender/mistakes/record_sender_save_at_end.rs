//! 典型错误：收到 `#` 才写入文件。
//!
//! - 想法：先把记录放进 `Vec`，全部收到之后一次写完，只打开一次文件。
//! - 结果：客户端没有发 `#` 就断开，已经完整到达的记录全部丢失；客户端不停地发送，内存也不停地增长。
//!
//! 拒绝它的测试：`robust` 的 `clients_that_vanish`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_save_at_end -- server`

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
    let mut reader = BufReader::new(stream);
    let mut records = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")) {
            None => return Ok(()),
            Some(b"#") => break,
            Some(b"") => {}
            Some(record) => records.push([record, b"\n"].concat()),
        }
    }
    let mut file = File::options().create(true).append(true).open("records.txt")?;
    file.write_all(&records.concat())?;
    let saved = records.len();
    println!("已保存 {saved} 条记录");
    stream.write_all(format!("{saved}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink()).map(drop)
}
