std = "min"
read_globals = { "jit" }
max_line_length = 140
files["spec/**/*_spec.lua"] = { std = "+busted" }
files["examples/*_spec.lua"] = { std = "+busted" }
files["spec/support/handler.lua"] = { std = "max" }
files["*.rockspec"] = { std = "+rockspec" }
files["bench/send/resty_mail.lua"] = { read_globals = { "ngx" } }
