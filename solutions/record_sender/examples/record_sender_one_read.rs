//! 典型错误：一次 `read` 就是一条记录。
//!
//! - 想法：客户端每次 `write` 一条记录，服务端每次 `read` 就得到一条。
//! - 结果：TCP 是字节流：几条记录粘在一起就成了一条，`#` 也粘在里面，双方一直等待。这就是“粘包”。
//!
//! 拒绝它的测试：`basic` 的 `server_separates_glued_records`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_one_read -- server`

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("记录服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        let (conn, _) = tcp_socket.accept()?;
        let _ = serve(&conn);
    }
}

fn serve(mut conn: &TcpStream) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open("records.txt")?;
    let mut buffer = [0; 1024];
    let mut saved = 0;
    loop {
        let n = conn.read(&mut buffer)?;
        match buffer[..n].trim_ascii_end() {
            b"" => return Ok(()),
            b"#" => break,
            record => file.write_all(&[record, b"\n"].concat())?,
        }
        saved += 1;
    }
    println!("已保存 {saved} 条记录");
    conn.write_all(format!("{saved}\n").as_bytes())
}
