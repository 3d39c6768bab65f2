export const handler = async (event) => ({ message: `Hello, ${event.name}` });
