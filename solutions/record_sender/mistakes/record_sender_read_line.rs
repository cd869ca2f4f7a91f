//! 典型错误：用 `read_line` 读记录，用 `trim` 去掉行尾。
//!
//! - 想法：记录是一行文字，读出来去掉两端的空白。
//! - 结果：`read_line` 遇到不是 UTF-8 的字节就返回错误；`trim` 还去掉了记录自己的空格，“ #”也成了结束。
//!
//! 拒绝它的测试：`robust` 的 `record_that_is_not_utf8`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_read_line -- server`

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
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim() {
            _ if !line.ends_with('\n') => return Ok(()),
            "#" => break,
            "" => continue,
            record => file.write_all(format!("{record}\n").as_bytes())?,
        }
        saved += 1;
    }
    println!("已保存 {saved} 条记录");
    stream.write_all(format!("{saved}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink()).map(drop)
}
