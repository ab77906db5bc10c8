#!/usr/bin/env bash
# Restarts gateways one after the other; stops as soon as anything is not as it should be.
set -euo pipefail

readonly OK=0 TROUBLE=1 USAGE=2
# Between two looks at a gateway, in seconds.
readonly LOOK=0.5
# How long one answer of an admin listener may take, in seconds.
readonly ANSWER=3

usage() {
    cat <<'HELP'
Restarts gateways one after the other, and stops at the first trouble.

    rolling-restart.sh --gateways 8080,8081,8082 [options]

For each gateway: enough others have to be ready; it is restarted; it has to be ready again, with a new
process; the clients have to be back. Then the next one. Exit code: 0 all done, 1 stopped, 2 a mistake
on the command line.

  --gateways LIST        instances, separated by commas: PORT for tickcast-gateway@PORT on this machine,
                         HOST:PORT for the same on another one, by ssh. With --restart-command, any
                         names. One for each gateway there is: others are not counted as capacity
  --admin LIST           their admin listeners as HOST:PORT, in the same order
                         [default: 127.0.0.1:1PORT, asked on the machine itself: 8080 -> 18080]
  --restart-command CMD  a shell command that restarts one; {} stands for its name, {port} and {host}
                         for its parts [default: systemctl restart tickcast-gateway@{port}]
  --ssh CMD              how commands run on another machine [default: ssh -o BatchMode=yes
                         -o ConnectTimeout=3 -o ServerAliveInterval=3 -o ServerAliveCountMax=2]
  --min-ready N          never have fewer gateways ready than this [default: all but one]
  --restart-timeout S    for the restart command, drain included [default: 120]
  --ready-timeout S      from then until the gateway is ready [default: 60]
  --return PERCENT       of the clients there were before that have to be connected again [default: 90]
  --return-timeout S     until they are [default: 60]
  --settle S             then leave everything alone for so long: the balancer takes notice, the last
                         clients dial [default: 10]
  --dry-run              say what would be done, look at every gateway, restart nothing
  --help                 this text
HELP
}

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }

stop() {
    printf 'rolling-restart: %s\n' "$*" >&2
    [ "${done_count:-0}" = 0 ] || printf 'rolling-restart: restarted before that: %s\n' "${names[*]:0:done_count}" >&2
    exit "$TROUBLE"
}

mistake() {
    printf 'rolling-restart: %s; see --help\n' "$*" >&2
    exit "$USAGE"
}

# --- the command line -------------------------------------------------------------------------------

names=() admins=()
restart_command="systemctl restart tickcast-gateway@{port}"
# A machine that does not answer is found out within seconds.
ssh_command="ssh -o BatchMode=yes -o ConnectTimeout=3 -o ServerAliveInterval=3 -o ServerAliveCountMax=2"
own_command=no min_ready='' dry_run=no done_count=0
restart_timeout=120 ready_timeout=60 return_percent=90 return_timeout=60 settle=10

number() {
    [[ "$2" =~ ^[0-9]{1,6}$ ]] || mistake "$1 takes a whole number, not '$2'"
}

list() {
    [[ "$2" =~ ^[^,[:space:]]+(,[^,[:space:]]+)*$ ]] || mistake "$1 takes a list like A,B,C, not '$2'"
}

read_arguments() {
    local option value
    while [ $# -gt 0 ]; do
        option=$1 && shift
        case $option in
            --help) usage && exit "$OK" ;;
            --dry-run) dry_run=yes && continue ;;
            --gateways | --admin | --restart-command | --ssh | --min-ready | --restart-timeout | --ready-timeout | \
                --return | --return-timeout | --settle) ;;
            *) mistake "unknown argument '$option'" ;;
        esac
        [ $# -gt 0 ] || mistake "$option needs a value"
        value=$1 && shift
        case $option in
            --gateways) list "$option" "$value" && IFS=, read -ra names <<<"$value" ;;
            --admin) list "$option" "$value" && IFS=, read -ra admins <<<"$value" ;;
            --restart-command) restart_command=$value own_command=yes ;;
            --ssh) ssh_command=$value ;;
            --min-ready) number "$option" "$value" && min_ready=$value ;;
            --restart-timeout) number "$option" "$value" && restart_timeout=$value ;;
            --ready-timeout) number "$option" "$value" && ready_timeout=$value ;;
            --return) number "$option" "$value" && return_percent=$value ;;
            --return-timeout) number "$option" "$value" && return_timeout=$value ;;
            --settle) number "$option" "$value" && settle=$value ;;
        esac
    done
}

check_arguments() {
    local name
    [ "${#names[@]}" -gt 0 ] || mistake "which gateways? --gateways 8080,8081"
    [ -z "$(printf '%s\n' "${names[@]}" | sort | uniq -d)" ] || mistake "a gateway stands twice in --gateways"
    if [ "${#admins[@]}" = 0 ]; then
        for name in "${names[@]}"; do
            [[ "$name" =~ (^|:)[1-9][0-9]{0,3}$ ]] ||
                mistake "'$name' is no [HOST:]PORT with a port below 10000: say with --admin where its admin listener is"
        done
    elif [ "${#admins[@]}" != "${#names[@]}" ]; then
        mistake "${#names[@]} gateways, but ${#admins[@]} addresses in --admin"
    fi
    min_ready=${min_ready:-$((${#names[@]} - 1))}
    [ "$min_ready" -lt "${#names[@]}" ] ||
        mistake "--min-ready $min_ready of ${#names[@]} gateways leaves none to be restarted"
    [ "$return_percent" -le 100 ] || mistake "--return takes at most 100"
    command -v curl >/dev/null || stop "curl is not installed"
}

# --- gateways ---------------------------------------------------------------------------------------

# The machine of a gateway, if it is another one and its admin listener is to be asked there.
host_of() { case $1 in *:*) printf '%s' "${1%:*}" ;; esac; }

# Body of an admin path of gateway number $1; fails unless the answer is a success.
ask() {
    local name=${names[$1]} host admin
    if [ "${#admins[@]}" -gt 0 ]; then
        curl -fsS --max-time "$ANSWER" "http://${admins[$1]}$2" 2>/dev/null
        return
    fi
    host=$(host_of "$name") admin="127.0.0.1:1${name##*:}"
    if [ -z "$host" ]; then
        curl -fsS --max-time "$ANSWER" "http://$admin$2" 2>/dev/null
    else
        # shellcheck disable=SC2086 # the command is words
        $ssh_command "$host" "curl -fsS --max-time $ANSWER http://$admin$2" 2>/dev/null
    fi
}

is_ready() { ask "$1" /readyz >/dev/null; }

# A number or a text in the JSON of an admin path.
field() { ask "$1" "$2" | sed -n "s/.*\"$3\":\"\\{0,1\\}\\([^,\"}]*\\).*/\\1/p" || true; }

connections_of() {
    local open
    open=$(field "$1" /connections open)
    printf '%s' "${open:-0}"
}

all_connections() {
    local sum=0 index
    for index in "${!names[@]}"; do sum=$((sum + $(connections_of "$index"))); done
    printf '%s' "$sum"
}

# Which gateways but number $1 are not ready; their count is in $unready.
look_at_others() {
    local index
    unready=0 missing=''
    for index in "${!names[@]}"; do
        if [ "$index" != "$1" ] && ! is_ready "$index"; then
            unready=$((unready + 1)) missing="$missing ${names[$index]}"
        fi
    done
}

# Stops unless enough others are ready while number $1 is not.
keep_capacity() {
    look_at_others "$1"
    local ready=$((${#names[@]} - 1 - unready))
    [ "$ready" -ge "$min_ready" ] ||
        stop "only $ready other gateways are ready ($min_ready are needed) $2 ${names[$1]}; not ready:$missing"
}

command_for() {
    local name=$1 command=$restart_command
    command=${command//'{}'/"$name"}
    command=${command//'{port}'/"${name##*:}"}
    printf '%s' "${command//'{host}'/"$(host_of "$name")"}"
}

restart() {
    local name=$1 host
    host=$(host_of "$name")
    if [ "$own_command" = yes ] || [ -z "$host" ]; then
        bash -c "$(command_for "$name")"
    else
        # shellcheck disable=SC2086 # the command is words
        $ssh_command "$host" "$(command_for "$name")"
    fi
}

# --- one after the other ----------------------------------------------------------------------------

# Runs the restart command of number $1, and watches the others meanwhile.
run_restart() {
    local name=${names[$1]} pid deadline=$((SECONDS + restart_timeout))
    restart "$name" </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if [ "$SECONDS" -gt "$deadline" ]; then
            kill "$pid" 2>/dev/null || true
            stop "$name: the restart command goes on after $restart_timeout s: $(command_for "$name")"
        fi
        keep_capacity "$1" "while restarting"
        sleep "$LOOK"
    done
    wait "$pid" || stop "$name: the restart command failed: $(command_for "$name")"
}

# Until number $1 is ready, as a process that began after $2 (in seconds of this shell).
wait_ready() {
    local name=${names[$1]} deadline=$((SECONDS + ready_timeout)) uptime=''
    until is_ready "$1"; do
        [ "$SECONDS" -le "$deadline" ] || stop "$name is not ready $ready_timeout s after its restart; look at its log"
        keep_capacity "$1" "while waiting for"
        sleep "$LOOK"
    done
    uptime=$(field "$1" /health uptime_seconds)
    # A second more: both are cut to whole ones.
    if [ "${uptime:-999999}" -gt $((SECONDS - $2 + 1)) ]; then
        stop "$name was not restarted: its process runs for ${uptime:-an unknown time} (in seconds); check the restart command: $(command_for "$name")"
    fi
}

# Until enough of $2 clients are connected again, wherever.
wait_clients() {
    local deadline=$((SECONDS + return_timeout)) wanted=$(($2 * return_percent / 100)) now
    while now=$(all_connections) && [ "$now" -lt "$wanted" ]; do
        [ "$SECONDS" -le "$deadline" ] ||
            stop "${names[$1]} is back, but only $now of $2 clients are, after $return_timeout s"
        keep_capacity "$1" "while clients come back after"
        sleep "$LOOK"
    done
    say "${names[$1]}: $now of $2 clients are connected; settling for $settle s"
    sleep "$settle"
}

handle() {
    local name=${names[$1]} before version begun=$SECONDS
    is_ready "$1" || say "$name: is not ready now; it is restarted all the same"
    keep_capacity "$1" "before restarting"
    before=$(all_connections) version=$(field "$1" /health version)
    say "$name: version ${version:-unknown}, $(connections_of "$1") of $before clients; restarting"
    run_restart "$1"
    wait_ready "$1" "$begun"
    say "$name: ready after $((SECONDS - begun)) s, version $(field "$1" /health version)"
    wait_clients "$1" "$before"
    is_ready "$1" || stop "$name is not ready any more"
    done_count=$((done_count + 1))
}

dry_run() {
    local index name state
    for index in "${!names[@]}"; do
        name=${names[$index]} state='NOT ready'
        is_ready "$index" && state=ready
        say "$name: $state, version $(field "$index" /health version), $(connections_of "$index") clients; would run: $(command_for "$name")"
    done
    keep_capacity 0 "before restarting"
}

main() {
    local index
    read_arguments "$@"
    check_arguments
    if [ "$dry_run" = yes ]; then dry_run && exit "$OK"; fi
    trap 'stop "interrupted; look at the gateway that was being restarted"' INT TERM
    for index in "${!names[@]}"; do handle "$index"; done
    say "all ${#names[@]} gateways restarted"
}

main "$@"
