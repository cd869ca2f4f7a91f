//! 图片网页的服务端。

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

/// 图片的全部字节，编译时从文件嵌入程序。
const IMAGE: &[u8] = include_bytes!("../image.jpg");

/// 请求头（含请求行）最多的字节数。
const MAX_HEADER: usize = 8192;

/// 从接受连接到收齐请求头的时限；响应之后，等浏览器关闭连接也以此为限。
const TIMEOUT: Duration = Duration::from_secs(5);

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址结尾；再写一行，给出浏览器要打开的 URL
    // 2. 循环接受连接；每个连接交给一个新线程，空闲的备用连接不影响其他连接
    // 3. 在线程中读请求头，直到空行：超过 MAX_HEADER 字节是 431，超过 TIMEOUT 是 408
    // 4. 解析请求行和请求头各行：不合格式是 400，版本不是 1.x 是 505
    // 5. 按路径和方法选出内容：/ 是网页，/image.jpg 是 IMAGE；没有这个路径是 404，方法不对是 405
    // 6. 发送响应：响应行、响应头、空行、响应体，行尾都是 \r\n；HEAD 没有响应体
    // 7. 关闭写方向，把没有读的请求字节读完（以 TIMEOUT 为限），再关闭连接
    todo!("第 1 步：监听 {addr}；用到 {} 字节的图片、{MAX_HEADER}、{TIMEOUT:?}", IMAGE.len())
}
