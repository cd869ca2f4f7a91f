//! 典型错误：写到一半出错，半条留在文件中。
//!
//! - 想法：`write_all` 返回了错误，不回答，客户端就知道没有保存。
//! - 结果：磁盘写满时，`write_all` 可能已经写入了前一半；腾出空间之后，下一条记录接在它后面，两条都损坏。
//!
//! 拒绝它的测试：`robust` 的 `full_disk_leaves_no_half_record`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_half_on_disk -- server`

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
        thread::spawn(move || {
            if let Err(e) = serve(&stream) {
                eprintln!("没有保存：{e}");
            }
        });
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
