//! 典型错误：发完就报告成功。
//!
//! - 想法：`io::copy` 没有出错，字节就已经到了服务端。
//! - 结果：没有出错，只说明字节交给了本机的系统。服务端可能没有收到，也可能没有保存；要比较它回答的字节数。
//!
//! 拒绝它的测试：`basic` 的 `client_checks_the_answer`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_client_no_check -- client exercises/image_upload/photo.jpg`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Shutdown, TcpStream};

fn main() -> io::Result<()> {
    let file = env::args().nth(2).unwrap_or("photo.jpg".to_string());
    let addr = env::args().nth(3).unwrap_or("127.0.0.1:5555".to_string());
    let mut picture = File::open(&file)?;
    let mut stream = TcpStream::connect(addr)?;
    let n = io::copy(&mut picture, &mut stream)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    BufReader::new(stream).read_until(b'\n', &mut answer)?;
    println!("上传成功：{n} 字节");
    Ok(())
}
