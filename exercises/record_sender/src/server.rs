//! 记录上传的服务端。

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

/// 保存记录的文件，在当前工作目录中。
const RECORDS_FILE: &str = "records.txt";

/// 一行最多的字节数，不含 `\n`。
const MAX_LINE: usize = 65_536;

/// 客户端沉默这么久，就不再等它。
const TIMEOUT: Duration = Duration::from_secs(5);

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址结尾
    // 2. 循环接受连接，服务每个客户端；一个客户端出错不影响其他客户端
    // 3. 把连接的读超时设为 TIMEOUT
    // 4. 逐行读（以 \n 结尾）；超过 MAX_LINE 字节就结束这个客户端，结尾没有 \n 的半行不写入
    // 5. 去掉行尾的 \n 和它前面的 \r；空行跳过，其余每条记录加 \n 追加到 RECORDS_FILE，计数
    // 6. 只有 # 的一行是结束：在标准输出上写“已保存 {n} 条记录”，把条数加 \n 发给客户端
    // 7. 关闭写方向，读完客户端后面发来的字节，再关闭连接
    todo!("第 1 步：监听 {addr}；用到 {RECORDS_FILE}、{MAX_LINE}、{TIMEOUT:?}")
}
