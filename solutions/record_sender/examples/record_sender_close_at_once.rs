//! 典型错误：回答之后立即关闭连接。
//!
//! - 想法：条数已经发出，事情做完了，让 `conn` 离开作用域就好。
//! - 结果：还有没读的字节就关闭，系统会重置连接，客户端可能收不到回答。先关闭写方向，再把后面的字节读完。
//!
//! 拒绝它的测试：`robust` 的 `what_follows_the_end_is_thrown_away`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_close_at_once -- server`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
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
    let mut reader = BufReader::new(conn);
    let mut saved = 0;
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\n") {
            None => return Ok(()),
            Some(b"#") => break,
            Some(_) => file.write_all(&line)?,
        }
        saved += 1;
    }
    println!("已保存 {saved} 条记录");
    conn.write_all(format!("{saved}\n").as_bytes())
}
