//! 图片上传的服务端。

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// 图片保存在工作目录，用这个文件名。
const PICTURE: &str = "new.jpg";

/// 接收中的图片：与 `PICTURE` 在同一个目录，收完才改名为 `PICTURE`。
const PART: &str = "new.jpg.part";

/// 客户端沉默这么久，就放弃它。
const SILENCE: Duration = Duration::from_secs(5);

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr；系统的错误中没有地址，要补上
    let tcp_socket = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    eprintln!("图片服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        // 2. 服务完一个客户端，再服务下一个；不用 ?：一个客户端的错误只属于它自己
        if let Err(e) = serve(&tcp_socket) {
            eprintln!("没有服务完一个客户端：{e}");
        }
    }
}

/// 接受一个客户端，保存它的图片，回答字节数；出错时不回答，旧图片不变。
fn serve(tcp_socket: &TcpListener) -> io::Result<()> {
    let (mut conn, _) = tcp_socket.accept()?;
    // 没有时限，一个沉默的客户端就会让后面的一直等待；每次 read 重新计时，慢的不受影响
    conn.set_read_timeout(Some(SILENCE))?;
    // 3. 一次 read 只是已经到达的一段；io::copy 读到 0 字节为止，那才是客户端关闭了写方向
    let n = io::copy(&mut conn, &mut File::create(PART)?)?;
    // 收完才改名，一步完成：PICTURE 总是完整的一张，不是半张；空的不算图片
    if n > 0 {
        fs::rename(PART, PICTURE)?;
        println!("收到 {n} 字节，已保存为 {PICTURE}");
    }
    // 4. 保存好了才回答：客户端得到字节数，图片就一定已经保存
    conn.write_all(format!("{n}\n").as_bytes())
}
