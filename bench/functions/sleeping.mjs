export const handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return { message: `Hello, ${event.name}` };
};
