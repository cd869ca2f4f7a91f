//! 典型错误：每次 `read` 之后就转换为文字。
//!
//! - 想法：收到字节，转换为字符串，拼在一起，再按行分开。
//! - 结果：一个汉字有三个字节，可能分在两次 `read` 中，两半都成了 `�`，写进文件的记录已经损坏。先按 `\n` 分开，再转换。
//!
//! 拒绝它的测试：`basic` 的 `server_joins_the_pieces`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_decode_each_read -- server`

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
    let mut text = String::new();
    let mut buffer = [0; 1024];
    let mut saved = 0;
    loop {
        let n = conn.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        text += &String::from_utf8_lossy(&buffer[..n]);
        while let Some((record, rest)) = text.split_once('\n') {
            if record == "#" {
                println!("已保存 {saved} 条记录");
                return conn.write_all(format!("{saved}\n").as_bytes());
            }
            file.write_all(format!("{record}\n").as_bytes())?;
            saved += 1;
            text = rest.to_string();
        }
    }
}
