//! 典型错误：收到的内容以 `#` 结尾，就是发完了。
//!
//! - 想法：`#` 是客户端最后发送的，先全部收下，看到 `#` 再按行分开。
//! - 结果：一次 `read` 停在哪里由网络决定：记录中的 `#` 恰好在一段的末尾，后面的记录就丢失了。结束标记要占一行。
//!
//! 拒绝它的测试：`basic` 的 `server_joins_the_pieces`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_ends_with -- server`

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
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
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    while !received.trim_ascii_end().ends_with(b"#") {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..n]);
    }
    let mut saved = 0;
    let records = received.trim_ascii_end().strip_suffix(b"#").unwrap_or_default();
    for record in records.split(|byte| *byte == b'\n').filter(|record| !record.is_empty()) {
        file.write_all(&[record, b"\n"].concat())?;
        saved += 1;
    }
    println!("已保存 {saved} 条记录");
    stream.write_all(format!("{saved}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream, &mut io::sink()).map(drop)
}
