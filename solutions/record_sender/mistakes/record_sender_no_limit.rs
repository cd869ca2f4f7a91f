//! 典型错误：读完整行才检查长度。
//!
//! - 想法：`read_until` 之后看 `line.len()`，太长就结束这个客户端。
//! - 结果：没有 `\n`，`read_until` 就不返回：检查还没有轮到，内存已经用尽。要在读的时候限制：`take`。
//!
//! 拒绝它的测试：`robust` 的 `line_over_65536_bytes_ends_its_client_only`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_no_limit -- server`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

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
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut file = File::options().create(true).append(true).open("records.txt")?;
    let mut reader = BufReader::new(stream);
    let mut saved = 0;
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")) {
            None => return Ok(()),
            Some(record) if record.len() > 65_536 => return Ok(()),
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
