-- Ask the addresses of a file, one a line, in order, each thread beginning at another place; print one line of figures at the end.
local threads = {}
function setup(thread) thread:set("number", #threads); table.insert(threads, thread) end
function init(args)
  paths = {}
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
  at = math.floor(number * #paths / 2)
end
function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at], { ["Accept-Encoding"] = "gzip", ["Host"] = "127.0.0.1" })
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("FIGURES %d %d %.3f %.3f %d %d\n", summary.requests, summary.duration, latency:percentile(50) / 1000,
    latency:percentile(95) / 1000, summary.bytes, e.status + e.connect + e.read + e.write + e.timeout))
end
