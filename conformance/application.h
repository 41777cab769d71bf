// The application: another process, which does file operations one at a time as it is told.
//
// A provider is not notified of what its own process does, so everything that is to be seen happens there. The process is
// this same program, called with --child.
#pragma once

#include <chrono>
#include <string>
#include <sys/types.h>
#include <vector>

// How an operation went in the other process.
struct Outcome {
    int error = 0;        // errno
    std::string value;    // what the verb yields
    std::string text() const;  // "ok" or the name of the error
};

class Application {
  public:
    Application();
    ~Application();
    Application(const Application &) = delete;
    Application &operator=(const Application &) = delete;

    // Does one thing and waits for it. A verb and its arguments, see application.cc.
    Outcome operator()(const std::vector<std::string> &words);

    // Begins something that will not end at once.
    void begin(const std::vector<std::string> &words);
    // Whether it has ended.
    bool ended(std::chrono::milliseconds within);
    // Waits for its end.
    Outcome end();

    // Sends a signal: SIGUSR1 is handled and interrupts, SIGKILL kills.
    void signal(int number);
    // After SIGKILL: waits for the process to be gone.
    bool gone();

    pid_t pid() const { return pid_; }

  private:
    void start();
    void stop();

    pid_t pid_ = -1;
    int to_ = -1;
    int from_ = -1;
    std::string received_;
    bool busy_ = false;
};

// The other side: does what comes on standard input, or the one thing that its arguments say.
int application_main(const std::vector<std::string> &words);
