# 不带参数的 just 列出全部命令
[private]
default:
    @just --list --unsorted

# 全部测试：课程程序、答案、测试工具；约一分钟
test-all:
    @echo "测试课程程序和全部答案，约一分钟（第一次还要编译）"
    cargo test --quiet
    cargo test --quiet -p testkit -p wire
    cargo test --quiet -p '*_solution' -p '*_robust' --test basic --test robust
    @echo "全部通过：课程程序、五个练习的两关答案、测试工具"

# 检查一个练习，只显示第一个失败；RULE 只检查一条规则
check NAME RULE='':
    @cargo course check {{NAME}} {{RULE}}

# 每次保存都重新检查一个练习（需要 watchexec：cargo install watchexec-cli --locked）
watch NAME:
    watchexec --clear --restart --watch exercises/{{NAME}}/src -- cargo course check {{NAME}}

# 五个练习各通过了多少测试
progress:
    @cargo course progress

# 给一个班评分：DIR 中每名学生一个目录，见 docs/instructor.md
grade DIR NAME:
    @cargo course grade {{quote(invocation_directory() / DIR)}} {{NAME}}

# 对照：练习与第一关的答案；STAGE 写 robust 时，第一关与第二关的答案
diff NAME STAGE='basic':
    @-git diff --no-index {{ if STAGE == "robust" { "solutions/" + NAME + "/src solutions/" + NAME + "/robust/src" } else { "exercises/" + NAME + "/src solutions/" + NAME + "/src" } }}

# 把讲义做成网页 DIR/html/index.html，练习的任务也在其中（需要 mdBook：cargo install mdbook --locked）
book DIR='target/book':
    rm -rf {{quote(DIR)}}/src && mkdir -p {{quote(DIR)}}/src && cp -R README.md LICENSE docs crates exercises solutions {{quote(DIR)}}/src
    sed 's|](|](docs/|; s|docs/\.\./||' docs/SUMMARY.md >{{quote(DIR)}}/src/SUMMARY.md
    find {{quote(DIR)}}/src \( -name '*.rs' -o -name '*.toml' -o -name '*.yml' \) -exec sh -c 'printf "\357\273\277" | cat - "$0" >"$0.txt"' {} \;
    mdbook build {{quote(DIR)}}/src/docs

# 打印成 target/book/book.pdf（需要 Chromium；root 用户：just pdf --no-sandbox）
pdf *OPTIONS: book
    chromium --headless --no-pdf-header-footer --generate-pdf-document-outline {{OPTIONS}} --print-to-pdf=target/book/book.pdf target/book/html/print.html

# 按 .rustfmt.toml 排版
fmt:
    cargo fmt --all

# 检查排版，检查代码，警告也算失败
lint:
    cargo fmt --all --check
    cargo clippy --quiet --workspace --all-targets -- -D warnings

# 故障测试，针对五个第二关的答案，随机而可以重放；每个测试运行 SECONDS 秒
fire SECONDS='2':
    FIRE_SECONDS={{SECONDS}} cargo test --quiet -p '*_robust' --test fire -- --nocapture

# 检查课程本身：规则、骨架、答案、典型错误、讲义说的都是真的
course:
    cargo test --quiet -p course

# 自动改动课程程序和答案，列出测试没有发现的改动；约半小时（需要 cargo-mutants）
mutants *ARGS:
    cargo mutants -o target --workspace --test-workspace=false -f 'crates/*_*/src/*.rs' -f 'solutions/*/robust/src/[cs]*.rs' {{ARGS}}

# CI 检查的一切
ci: lint test-all fire course
    RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps
