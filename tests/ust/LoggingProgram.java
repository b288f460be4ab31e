// SPDX-License-Identifier: MIT
// Logs through java.util.logging and Log4j, which LTTng-UST's agents hear, as many rounds as it is told to on its input.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.lttng.ust.agent.context.ContextInfoManager;
import org.lttng.ust.agent.jul.LttngLogHandler;
import org.lttng.ust.agent.log4j.LttngLogAppender;

public class LoggingProgram {
  // A context of its own, "$app.program:KEY": of a type for each key.
  private static Object context(String key) {
    switch (key) {
      case "whole": return 42;
      case "long": return -(1L << 40);
      case "real": return 2.5;
      case "text": return "tëxt";
      case "truth": return true;
      default: return null;
    }
  }

  private static void log(Logger http, org.apache.log4j.Logger database, int number) {
    http.info("request " + number);
    http.fine("detail");
    http.log(Level.SEVERE, "é \"quoted\"");
    http.warning("w");
    database.info("row " + number);
    database.error("gone");
    database.debug("d");
    database.fatal("é");
  }

  public static void main(String[] arguments) throws Exception {
    Logger http = Logger.getLogger("net.http");
    http.setLevel(Level.ALL);
    http.setUseParentHandlers(false);
    LttngLogHandler handler = new LttngLogHandler();
    http.addHandler(handler);
    org.apache.log4j.Logger database = org.apache.log4j.Logger.getLogger("db.pool");
    database.setLevel(org.apache.log4j.Level.ALL);
    database.setAdditivity(false);
    LttngLogAppender appender = new LttngLogAppender();
    database.addAppender(appender);
    ContextInfoManager.getInstance().registerContextInfoRetriever("program", LoggingProgram::context);
    System.out.println("ready");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      for (int number = 0; number < Integer.parseInt(line); number++) log(http, database, number);
      System.out.println("done");
    }
    // An orderly end waits for the three seconds after which an agent without a daemon tries again.
    Runtime.getRuntime().halt(0);
  }
}
