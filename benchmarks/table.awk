# Turns Google Benchmark's CSV files into one table. A benchmark says with SetItemsProcessed() how many
# packets it handled; the packets per CPU-second follow from the CPU time, also where the benchmark
# measures real time.

# Takes the first field off `line`, without its quotes.
function next_field(    field) {
    if (match(line, /^"([^"]|"")*"/)) {
        field = substr(line, 2, RLENGTH - 2)
        gsub(/""/, "\"", field)
    } else {
        match(line, /^[^,]*/)
        field = substr(line, 1, RLENGTH)
    }
    line = substr(line, RSTART + RLENGTH + 1)
    return field
}

function read_row(    i) {
    line = $0
    for (i = 1; i <= columns; ++i) {
        row[title[i]] = next_field()
    }
}

# 1234567 -> 1,234,567
function grouped(number,    text) {
    text = sprintf("%.0f", number)
    while (match(text, /^[0-9]+[0-9][0-9][0-9](,|$)/) && match(text, /^[0-9]+/) && RLENGTH > 3) {
        text = substr(text, 1, RLENGTH - 3) "," substr(text, RLENGTH - 2)
    }
    return text
}

# A benchmark that measures by hand gives CPU time of the part that counts.
function cpu_nanoseconds() {
    if (row["name"] ~ /\/manual_time/) {
        return row["real_time"] * nanoseconds[row["time_unit"]]
    }
    return row["cpu_time"] * nanoseconds[row["time_unit"]]
}

function print_row(    packets_per_second) {
    if (row["error_occurred"] == "true") {
        printf "%-64s failed: %s\n", row["name"], row["error_message"]
        failed = 1
        return
    }
    if (row["items_per_second"] == "") {
        printf "%-64s %14.1f\n", row["name"], cpu_nanoseconds()
        return
    }
    packets_per_second = row["items_per_second"]
    if (row["name"] ~ /\/(real_time|manual_time)/ && row["cpu_time"] > 0) {
        packets_per_second *= row["real_time"] / row["cpu_time"]
    }
    printf "%-64s %14.1f %12.1f %18s\n", row["name"], cpu_nanoseconds(), 1e9 / packets_per_second,
        grouped(packets_per_second)
}

BEGIN {
    nanoseconds["ns"] = 1
    nanoseconds["us"] = 1e3
    nanoseconds["ms"] = 1e6
    nanoseconds["s"] = 1e9
    printf "%-64s %14s %12s %18s\n", "benchmark", "CPU ns/run", "ns/packet", "packets/CPU-second"
}

FNR == 1 {
    program = FILENAME
    sub(/.*\//, "", program)
    sub(/\.csv$/, "", program)
    printf "\n%s\n", program
    columns = 0
}

/^name,/ {
    line = $0
    while (line != "") {
        title[++columns] = next_field()
    }
    next
}

columns > 0 && NF > 0 {
    read_row()
    print_row()
}

END { exit failed }
