//! 典型错误：每个客户端都用 `File::create` 打开文件。
//!
//! - 想法：写文件之前要先创建文件。
//! - 结果：`File::create` 清空已有的文件：每来一个客户端，以前的记录就全部丢失。要用追加的方式打开。
//!
//! 拒绝它的测试：`basic` 的 `server_appends_and_counts_for_each_client`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_create_file -- server`

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
    let mut file = File::create("records.txt")?;
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
