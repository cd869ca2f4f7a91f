//! 典型错误：回答的时候，记录还在缓冲区里。
//!
//! - 想法：写文件用 `BufWriter` 比较快。
//! - 结果：`BufWriter` 积满 8 KiB 或离开作用域时才写入：客户端得到“已保存”，文件里却还没有；写入失败也没有人知道。
//!
//! 拒绝它的测试：`basic` 的 `server_saves_the_records`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_answer_before_flush -- server`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
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
    let file = File::options().create(true).append(true).open("records.txt")?;
    let mut file = BufWriter::new(file);
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
