#include "check.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <unistd.h>

Settings settings;

namespace {

std::mutex noted_lock;
std::vector<std::string> noted;  // failures of the case that runs
std::mutex running_lock;
std::string running;
std::chrono::steady_clock::time_point running_since;

void begin(const std::string &name) {
    const std::lock_guard guard(running_lock);
    running = name;
    running_since = std::chrono::steady_clock::now();
}

}  // namespace

void fail(const std::string &what) {
    const std::lock_guard guard(noted_lock);
    noted.push_back(what);
}

void check(bool holds, const std::string &what) {
    if (!holds) {
        fail(what);
    }
}

void same(const std::string &seen, const std::string &expected, const std::string &what) {
    if (seen != expected) {
        fail(what + ": expected " + expected + ", seen " + seen);
    }
}

void same(HRESULT seen, HRESULT expected, const std::string &what) {
    if (seen != expected) {
        fail(what + ": expected " + show(expected) + ", seen " + show(seen));
    }
}

void same_number(long long seen, long long expected, const std::string &what) {
    same(std::to_string(seen), std::to_string(expected), what);
}

void one_of(const std::string &seen, const std::vector<std::string> &expected, const std::string &what) {
    for (const std::string &one : expected) {
        if (seen == one) {
            return;
        }
    }
    fail(what + ": expected " + joined(expected, " or ") + ", seen " + seen);
}

void one_of(HRESULT seen, const std::vector<HRESULT> &expected, const std::string &what) {
    std::vector<std::string> shown;
    for (HRESULT one : expected) {
        shown.push_back(show(one));
    }
    one_of(show(seen), shown, what);
}

void require(bool holds, const std::string &what) {
    if (!holds) {
        throw GiveUp(what);
    }
}

void require_ok(HRESULT seen, const std::string &what) {
    require(seen == hr::ok, what + ": " + show(seen));
}

void Group::test(const std::string &name, const std::function<void()> &body) {
    if (!settings.only_case.empty() && name.find(settings.only_case) == std::string::npos) {
        return;
    }
    const std::string full = name_ + ": " + name;
    if (settings.list) {
        std::printf("%s\n", full.c_str());
        return;
    }
    begin(full);
    {
        const std::lock_guard guard(noted_lock);
        noted.clear();
    }
    try {
        body();
    } catch (const std::exception &error) {
        fail(error.what());
    }
    begin("");
    std::vector<std::string> seen;
    {
        const std::lock_guard guard(noted_lock);
        seen.swap(noted);
    }
    if (seen.empty()) {
        passed++;
        if (settings.verbose) {
            std::printf("ok    %s\n", full.c_str());
        }
    } else {
        failed++;
        failures.push_back(name);
        std::printf("FAIL  %s\n", full.c_str());
        for (const std::string &what : seen) {
            std::printf("      %s\n", what.c_str());
        }
    }
    std::fflush(stdout);
}

void Group::not_applicable(const std::string &name, const std::string &reason) {
    if (settings.list) {
        std::printf("%s: %s (not applicable: %s)\n", name_.c_str(), name.c_str(), reason.c_str());
        return;
    }
    not_applicable_cases.push_back(name + ": " + reason);
}

void Group::found(const std::string &what) {
    if (!settings.list) {
        std::printf("      %s: %s\n", name_.c_str(), what.c_str());
    }
}

void start_watchdog() {
    std::thread([] {
        const auto limit = std::chrono::seconds(settings.patience * 12);
        for (;;) {
            std::this_thread::sleep_for(std::chrono::seconds(1));
            const std::lock_guard guard(running_lock);
            if (!running.empty() && std::chrono::steady_clock::now() - running_since > limit) {
                std::printf("HANG  %s\n", running.c_str());
                std::fflush(stdout);
                _exit(3);
            }
        }
    }).detach();
}
