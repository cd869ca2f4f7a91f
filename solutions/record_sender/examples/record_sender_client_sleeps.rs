//! 典型错误：用等待代替边界。
//!
//! - 想法：课程说可以“控制发送的速度”：每发一条等一会儿，对方就能一次收一条。
//! - 结果：服务端读得慢、网络抖动，记录照样粘在一起；服务端只看到没有 `\n` 的一长串字节，还要白等。
//!
//! 拒绝它的测试：`basic` 的 `client_sends_the_records_and_prints_the_answer`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_client_sleeps -- client`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    let mut tcp_socket = TcpStream::connect(addr)?;
    for record in ["张三  18   177", "李四  19   180", "王五  120  183", "#"] {
        tcp_socket.write_all(record.as_bytes())?;
        thread::sleep(Duration::from_millis(100));
    }
    let mut answer = String::new();
    BufReader::new(tcp_socket).read_line(&mut answer)?;
    println!("服务端已保存 {} 条记录", answer.trim_end());
    Ok(())
}
