// What several threads do at once, for a few seconds each, with totals that must come out: run under the sanitizers by
// scripts/tests/sanitizers, and by itself for a quick look.
import Foundation

let checks: [(String, () -> [String])] = [
    ("rings between two threads", { RingCheck.run(entries: 200_000) }),
    ("one port, four returning threads, the counter, and sleep on both sides", { PortCheck.run(tokens: 60_000) }),
    ("a controller and its clients", { ControllerCheck.run(seconds: 4) }),
]
var failed = false
for (name, check) in checks {
    let began = ContinuousClock.now
    let problems = check()
    print("\(problems.isEmpty ? "ok" : "FAILED"): \(name), \(began.duration(to: .now))")
    for problem in problems { print("    \(problem)") }
    if !problems.isEmpty { failed = true }
}
exit(failed ? 1 : 0)
