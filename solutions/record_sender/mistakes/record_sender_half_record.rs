//! 典型错误：读到连接结束时，剩下的也是一条记录。
//!
//! - 想法：用 `split` 逐行读，读到什么就保存什么。
//! - 结果：客户端在一条记录中间断开，`split`（`lines` 也一样）照样返回这半条，写进文件的“李四  1”与真的记录没有区别。
//!
//! 拒绝它的测试：`robust` 的 `half_a_record_is_not_saved`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_half_record -- server`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
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

fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open("records.txt")?;
    let mut reader = BufReader::new(stream);
    let mut saved = 0;
    for line in reader.by_ref().split(b'\n') {
        let line = line?;
        match line.strip_suffix(b"\r").unwrap_or(&line) {
            b"#" => return finish(stream, reader, saved),
            b"" => continue,
            record => file.write_all(&[record, b"\n"].concat())?,
        }
        saved += 1;
    }
    Ok(())
}

fn finish(mut stream: &TcpStream, mut reader: impl BufRead, saved: usize) -> io::Result<()> {
    println!("已保存 {saved} 条记录");
    stream.write_all(format!("{saved}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink()).map(drop)
}
