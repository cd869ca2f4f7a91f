//! 典型错误：含有 `#` 的一行就是结束。
//!
//! - 想法：课程用 `#` 表示发送完毕，所以看到 `#` 就结束。
//! - 结果：记录“李四  #19”也含有 `#`，它和后面的记录都丢失了。标记与数据要分得开：只有单独一个 `#` 的一行才是结束。
//!
//! 拒绝它的测试：`basic` 的 `server_separates_glued_records`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_contains_mark -- server`

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
    let mut saved = 0;
    for line in BufReader::new(conn).split(b'\n') {
        let line = line?;
        if line.contains(&b'#') {
            break;
        }
        file.write_all(&[&line[..], b"\n"].concat())?;
        saved += 1;
    }
    println!("已保存 {saved} 条记录");
    conn.write_all(format!("{saved}\n").as_bytes())
}
